import { stringify } from 'yaml';
import { readScalingModel } from '../../sim/read-scaling-model';
import { TemplateError } from '../../sim/template-parts';
import { parseTemplateText } from '../../sim/template-text';
import { fleetTemplate } from '../../bench/scaling/fleet-template';
import fc from '../support/properties';

const yaml = (text: string): unknown => parseTemplateText(text, 't.yaml');

describe('parseTemplateText', () => {
  test('reads whatever JSON reads, written as YAML', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ noUnicodeString: false }), { minKeys: 1 }), (document) => {
        const expected: unknown = JSON.parse(JSON.stringify(document));
        expect(yaml(stringify(expected))).toEqual(expected);
        expect(yaml(JSON.stringify(document))).toEqual(expected);
      }),
    );
  });

  test('a fleet of this library is the same from YAML', () => {
    const template = fleetTemplate({
      ...{ averageProcessingTimeSeconds: 60, p99ProcessingTimeSeconds: 240, acceptableLatencySeconds: 420 },
      ...{ concurrency: 2, minInstances: 1, maxInstances: 40 },
    });
    const text = stringify(template);
    expect(text).toContain('Type: AWS::SQS::Queue');
    expect(readScalingModel(yaml(text) as object, { file: 'Fleet' })).toEqual(
      readScalingModel(template, { file: 'Fleet' }),
    );
  });

  test('turns short forms into the functions in full, whatever is in them', () => {
    const text = `
      Conditions:
        Prod: !Not [!Equals [!Ref Stage, dev]]
        Both: !And [{ Condition: Prod }, !Condition Prod]
      A: !GetAtt Queue.Arn
      B: !GetAtt [Queue, QueueName]
      C: !GetAtt Nested.Outputs.Url
      D: !Sub '\${Queue}-x'
      E: !Sub
        - '\${Name}-x'
        - Name: !Ref Queue
      F: !If [Prod, !Ref Big, !Ref AWS::NoValue]
      G: !Select [0, !GetAZs '']
      H: !FindInMap
        - Sizes
        - !Ref Stage
        - max
    `;
    expect(yaml(text)).toEqual({
      Conditions: {
        Prod: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'Stage' }, 'dev'] }] },
        Both: { 'Fn::And': [{ Condition: 'Prod' }, { Condition: 'Prod' }] },
      },
      A: { 'Fn::GetAtt': ['Queue', 'Arn'] },
      B: { 'Fn::GetAtt': ['Queue', 'QueueName'] },
      C: { 'Fn::GetAtt': ['Nested', 'Outputs.Url'] },
      D: { 'Fn::Sub': '${Queue}-x' },
      E: { 'Fn::Sub': ['${Name}-x', { Name: { Ref: 'Queue' } }] },
      F: { 'Fn::If': ['Prod', { Ref: 'Big' }, { Ref: 'AWS::NoValue' }] },
      G: { 'Fn::Select': [0, { 'Fn::GetAZs': '' }] },
      H: { 'Fn::FindInMap': ['Sizes', { Ref: 'Stage' }, 'max'] },
    });
  });

  test('keeps dates and account ids as they are written', () => {
    expect(yaml("AWSTemplateFormatVersion: 2010-09-09\nAccount: '012345678901'\nA: &a { X: 1 }\nC: # none\n")).toEqual({
      AWSTemplateFormatVersion: '2010-09-09',
      Account: '012345678901',
      A: { X: 1 },
      C: null,
    });
  });

  test.each([
    ['JSON that is cut off', '{"Resources": {', /^is not JSON: /],
    ['a key without its colon', 'Resources:\n  A\n  B: 1\n', /^is not YAML: .+ \(line 2, column 3\)$/],
    ['a key that is there twice', 'Resources:\n  A: 1\n  A: 2\n', /^is not YAML: .+ \(line 3, column 3\)$/],
    [
      'a tag that CloudFormation does not know',
      'Resources:\n  A: !Reff Queue\n',
      /^has the tag '!Reff', which is no function of CloudFormation \(line 2, column \d+\)$/,
    ],
    ['an alias', 'A: &a 1\nB: *a\n', /^refers to '&a': CloudFormation knows no aliases \(line 2, column 4\)$/],
  ])('refuses %s', (_, text, reason) => {
    expect(() => yaml(text)).toThrow(TemplateError);
    expect(() => yaml(text)).toThrow(
      expect.objectContaining({ file: 't.yaml', logicalId: 'template', reason: expect.stringMatching(reason) }),
    );
  });
});
