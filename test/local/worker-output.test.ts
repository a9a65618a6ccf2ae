import { describeWorkerLine } from '../../local/worker-output';

describe('describeWorkerLine', () => {
  test.each([
    ['', undefined],
    ['plain text', { kind: 'worker', text: 'plain text' }],
    ['{"level":30,"msg":"polling"}', undefined],
    ['{"level":30,"msg":"ready","messageId":"m","id":"v"}', { kind: 'worker', text: 'ready (id v)' }],
    ['{"level":"warn","msg":"slow"}', { kind: 'worker', text: 'slow' }],
    ['{"level":50,"msg":"failed","err":{"message":"disk full"}}', { kind: 'error', text: 'failed: disk full' }],
    ['{"level":50,"msg":"failed","id":"v","error":"disk"}', { kind: 'error', text: 'failed: disk (id v)' }],
    ['{"level":50,"msg":"failed: disk","error":"disk"}', { kind: 'error', text: 'failed: disk' }],
    ['{"level":50,"msg":"failed","error":null}', { kind: 'error', text: 'failed' }],
    ['{"level":20,"msg":"detail","messageId":"m"}', undefined],
    ['{"_aws":{"Timestamp":1},"Processed":3}', undefined],
    ['{broken', { kind: 'worker', text: '{broken' }],
  ])('%s', (line, expected) => {
    expect(describeWorkerLine(line)).toEqual(expected);
  });
});
