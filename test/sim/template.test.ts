import { Template } from '../../sim/template';
import { TemplateError } from '../../sim/template-parts';

const parse = (document: object, values = {}) => Template.parse({ Resources: {}, ...document }, 't.json', values);

describe('Template', () => {
  test('lists resources by type and leaves out those whose condition does not hold', () => {
    const template = parse({
      Parameters: { Stage: { Type: 'String', Default: 'dev' } },
      Conditions: {
        IsProd: { 'Fn::Equals': [{ Ref: 'Stage' }, 'prod'] },
        IsDev: { 'Fn::And': [{ 'Fn::Not': [{ Condition: 'IsProd' }] }, { 'Fn::Equals': ['a', 'a'] }] },
        Either: { 'Fn::Or': [{ Condition: 'IsProd' }, { Condition: 'IsDev' }] },
      },
      Resources: {
        Prod: { Type: 'AWS::SQS::Queue', Condition: 'IsProd' },
        Dev: { Type: 'AWS::SQS::Queue', Condition: 'IsDev', Properties: { DelaySeconds: 1 } },
        Both: { Type: 'AWS::SQS::Queue', Condition: 'Either' },
        Topic: { Type: 'AWS::SNS::Topic' },
      },
    });
    expect(template.ofType('AWS::SQS::Queue').map((resource) => resource.logicalId)).toEqual(['Dev', 'Both']);
    expect(template.resources.get('Dev')?.properties).toEqual({ DelaySeconds: 1 });
    expect(template.resources.has('Topic')).toBe(true);
  });

  test('takes parameter and pseudo parameter values from the caller', () => {
    const template = parse(
      { Parameters: { A: { Type: 'String' }, L: { Type: 'CommaDelimitedList', Default: 'x, y' } } },
      { parameters: { A: 'given' }, pseudo: { 'AWS::Region': 'eu-west-1' } },
    );
    expect(template.parameter('A')).toBe('given');
    expect(template.parameter('L')).toEqual(['x', 'y']);
    expect(template.parameter('AWS::Region')).toBe('eu-west-1');
    expect(template.parameter('AWS::Partition')).toBe('aws');
    expect(template.parameter('Unknown')).toBeUndefined();
  });

  test.each([
    ['text that is not JSON', '{', 'template', /is not JSON/],
    ['a document without resources', '{}', 'template', /has no 'Resources'/],
    ['an array', '[]', 'template', /has no 'Resources'/],
    ['a resource without a type', '{"Resources":{"A":{}}}', 'A', /has no 'Type'/],
    ['an undefined condition', '{"Resources":{"A":{"Type":"T","Condition":"C"}}}', 'Conditions.C', /not defined/],
    [
      'a condition that refers to itself',
      '{"Conditions":{"C":{"Fn::Not":[{"Condition":"C"}]}},"Resources":{"A":{"Type":"T","Condition":"C"}}}',
      'Conditions.C',
      /refers to itself: C > C/,
    ],
    [
      'a malformed condition',
      '{"Conditions":{"C":{"Fn::Xor":[]}},"Resources":{"A":{"Type":"T","Condition":"C"}}}',
      'Conditions.C',
      /is not a condition/,
    ],
    [
      'Fn::And of one operand',
      '{"Conditions":{"C":{"Fn::And":[{"Fn::Equals":[1,1]}]}},"Resources":{"A":{"Type":"T","Condition":"C"}}}',
      'Conditions.C',
      /takes 2 to 10/,
    ],
  ])('fails when it is given %s', (_, source, logicalId, reason) => {
    const read = () => Template.parse(source, 'broken.json');
    expect(read).toThrow(TemplateError);
    expect(read).toThrow(
      expect.objectContaining({ file: 'broken.json', logicalId, reason: expect.stringMatching(reason) }),
    );
  });

  test('fails when a parameter has neither value nor default', () => {
    const template = parse({ Parameters: { A: { Type: 'String' } } });
    expect(() => template.parameter('A')).toThrow('t.json: Parameters.A: has no default: give its value');
  });
});
