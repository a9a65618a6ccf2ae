import { HandlerSpecError, parseHandlerSpec } from '../../../worker/hosts/host';

describe('parseHandlerSpec', () => {
  test.each([
    ['module:./dist/handler.mjs', { kind: 'module', path: './dist/handler.mjs' }],
    ['module:C:/handler.mjs', { kind: 'module', path: 'C:/handler.mjs' }],
    ['command:["python3","handler.py","a b"]', { kind: 'command', command: ['python3', 'handler.py', 'a b'] }],
    ['http:8080/messages?x=1', { kind: 'http', port: 8080, path: '/messages?x=1' }],
    ['http:80', { kind: 'http', port: 80, path: '/' }],
  ])('reads %s', (text, spec) => {
    expect(parseHandlerSpec(text)).toEqual(spec);
  });

  test.each([
    '',
    'handler.mjs',
    'file:x',
    'module:',
    'command:python3',
    'command:"python3"',
    'command:[]',
    'command:[""]',
    'command:["a",1]',
    'command:["a\\u0000"]',
    'http:',
    'http:0/',
    'http:65536/',
    'http:8080x',
    'http:8080/a b',
    'http://localhost:80/',
  ])('fails when the text is %j', (text) => {
    expect(() => parseHandlerSpec(text)).toThrow(HandlerSpecError);
    expect(() => parseHandlerSpec(text)).toThrow(JSON.stringify(text));
  });
});
