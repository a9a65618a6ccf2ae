import { Template } from '../../sim/template';

const template = Template.parse(
  {
    Parameters: { Stage: { Type: 'String', Default: 'dev' } },
    Mappings: { Sizes: { dev: { cpu: 1 } } },
    Conditions: { IsDev: { 'Fn::Equals': [{ Ref: 'Stage' }, 'dev'] } },
    Resources: { Jobs: { Type: 'AWS::SQS::Queue' }, Store: { Type: 'AWS::S3::Bucket' } },
  },
  't.json',
);
const resolve = (value: unknown) =>
  template.resolve(value, {
    logicalId: 'Here',
    ref: (resource) => (resource.logicalId === 'Jobs' ? 'http://127.0.0.1/jobs' : undefined),
    getAtt: (resource, attribute) => (attribute === 'Unknown' ? undefined : `${resource.logicalId}/${attribute}`),
  });

describe('resolveValue', () => {
  test.each([
    ['scalars', 5, 5],
    ['null', null, null],
    ['Ref to a resource', { Ref: 'Jobs' }, 'http://127.0.0.1/jobs'],
    ['Ref to a parameter', { Ref: 'Stage' }, 'dev'],
    ['Ref to a pseudo parameter', { Ref: 'AWS::Region' }, 'us-east-1'],
    ['GetAtt as list', { 'Fn::GetAtt': ['Jobs', 'Arn'] }, 'Jobs/Arn'],
    ['GetAtt of a nested attribute', { 'Fn::GetAtt': ['Jobs', 'Endpoint.Address'] }, 'Jobs/Endpoint.Address'],
    ['GetAtt as text', { 'Fn::GetAtt': 'Jobs.Arn' }, 'Jobs/Arn'],
    ['Sub', { 'Fn::Sub': 'a-${Stage}-${Jobs.Arn}-${AWS::Partition}-${!Kept}' }, 'a-dev-Jobs/Arn-aws-${Kept}'],
    ['Sub with variables', { 'Fn::Sub': ['${x}${y}', { x: { Ref: 'Stage' }, y: 2 }] }, 'dev2'],
    ['Join', { 'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':x:', 1]] }, 'arn:aws:x:1'],
    ['Join of a split', { 'Fn::Join': ['-', { 'Fn::Split': [':', 'a:b'] }] }, 'a-b'],
    ['Select', { 'Fn::Select': ['1', ['a', 'b']] }, 'b'],
    ['If', { 'Fn::If': ['IsDev', 'yes', { 'Fn::ImportValue': 'never read' }] }, 'yes'],
    ['FindInMap', { 'Fn::FindInMap': ['Sizes', { Ref: 'Stage' }, 'cpu'] }, 1],
    ['FindInMap with a default', { 'Fn::FindInMap': ['Sizes', 'x', 'cpu', { DefaultValue: 9 }] }, 9],
    ['Base64', { 'Fn::Base64': 'hi' }, 'aGk='],
    ['GetAZs', { 'Fn::GetAZs': '' }, ['us-east-1a', 'us-east-1b', 'us-east-1c']],
    ['Length', { 'Fn::Length': ['a', 'b'] }, 2],
    ['ToJsonString', { 'Fn::ToJsonString': { a: { Ref: 'Stage' } } }, '{"a":"dev"}'],
    ['a condition by name', { Condition: 'IsDev' }, true],
    ['nested objects and lists', { a: [{ Ref: 'Stage' }], Ref2: { b: 1 } }, { a: ['dev'], Ref2: { b: 1 } }],
    ['NoValue in an object and a list', { a: { Ref: 'AWS::NoValue' }, b: [{ Ref: 'AWS::NoValue' }, 1] }, { b: [1] }],
    ['NoValue alone', { Ref: 'AWS::NoValue' }, undefined],
    ['NoValue chosen by If', { a: { 'Fn::If': ['IsDev', { Ref: 'AWS::NoValue' }, 1] } }, {}],
    [
      'an IAM condition',
      { Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
      { Condition: { Bool: { 'aws:SecureTransport': 'false' } } },
    ],
    ['dynamic references', '{{resolve:ssm:/a}}', '{{resolve:ssm:/a}}'],
  ])('resolves %s', (_, value, expected) => {
    expect(resolve(value)).toEqual(expected);
  });

  test.each([
    ['a reference to nothing', { Ref: 'Gone' }, "refers to 'Gone', which the template does not have"],
    ['a reference without a value', { Ref: 'Store' }, "refers to 'Store' (AWS::S3::Bucket), which has no value here"],
    [
      'an attribute of nothing',
      { 'Fn::GetAtt': ['Gone', 'Arn'] },
      "refers to 'Gone.Arn', which the template does not have",
    ],
    [
      'an attribute without a value',
      { 'Fn::GetAtt': ['Store', 'Unknown'] },
      "refers to 'Store.Unknown' (AWS::S3::Bucket), which has no value here",
    ],
    [
      'an imported value',
      { 'Fn::ImportValue': 'x' },
      'imports "x" from another stack: give a template that holds the resource itself',
    ],
    ['a transform', { 'Fn::Transform': {} }, 'Fn::Transform is not supported in a template that runs without AWS'],
    ['an unknown condition', { 'Fn::If': ['Nope', 1, 2] }, 'is used but not defined'],
    ['a Select outside of the list', { 'Fn::Select': [2, ['a']] }, 'Fn::Select 2 is outside of the list ["a"]'],
    ['a Join without a list', { 'Fn::Join': ['', 'text'] }, 'Fn::Join needs a list, not "text"'],
    ['a Join of one argument', { 'Fn::Join': [''] }, 'Fn::Join takes 2 arguments, not [""]'],
    ['a Sub of a list value', { 'Fn::Sub': ['${x}', { x: ['a'] }] }, 'Fn::Sub needs a text, not ["a"]'],
    [
      'a map without the key',
      { 'Fn::FindInMap': ['Sizes', 'prod', 'cpu'] },
      'Fn::FindInMap finds nothing at Sizes.prod.cpu',
    ],
  ])('fails when it meets %s', (_, value, reason) => {
    expect(() => resolve(value)).toThrow(expect.objectContaining({ name: 'TemplateError', file: 't.json', reason }));
  });
});
