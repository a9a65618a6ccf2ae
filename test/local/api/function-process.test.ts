import type { fork } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FunctionProcess } from '../../../local/api/function-process';

const CODE = `
exports.handler = async (event, context) => {
  if (event.fail) throw new Error('no such thing');
  if (event.exit) process.exit(7);
  if (event.deaf) {
    process.removeAllListeners('disconnect');
    setInterval(() => {}, 1000);
    process.disconnect();
  }
  if (event.hang) await new Promise(() => {});
  console.log('heard ' + event.name);
  return { name: event.name, stage: process.env.STAGE, pid: process.pid, memory: context.memoryLimitInMB };
};
`;

describe('FunctionProcess', () => {
  let directory: string;
  let started: FunctionProcess[];
  let output: string[];
  const lines = new EventEmitter();
  beforeAll(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'function-'));
    writeFileSync(path.join(directory, 'index.js'), CODE);
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  beforeEach(() => {
    started = [];
    output = [];
  });
  afterEach(() => Promise.all(started.map((each) => each.stop())));

  function setUp(handler = 'index.handler', timeoutSeconds = 10, forkProcess?: typeof fork): FunctionProcess {
    const made = new FunctionProcess(
      {
        logicalId: 'Function',
        name: 'function',
        directory,
        handler,
        environment: {},
        timeoutSeconds,
        memoryMegabytes: 512,
        role: undefined,
      },
      { STAGE: 'local', PATH: process.env['PATH'] ?? '' },
      (line) => {
        output.push(line);
        lines.emit('line');
      },
      forkProcess,
    );
    started.push(made);
    return made;
  }

  test('answers events with the handler, in one process with its own environment', async () => {
    const hello = setUp();
    const [first, second] = (await Promise.all([hello.invoke({ name: 'a' }), hello.invoke({ name: 'b' })])) as {
      name: string;
      pid: number;
    }[];
    expect(first).toMatchObject({ name: 'a', stage: 'local', memory: '512' });
    expect(second).toMatchObject({ name: 'b', pid: first?.pid });
    // Its output and its answers come through different pipes.
    while (!['heard a', 'heard b'].every((line) => output.includes(line))) await once(lines, 'line');
  });

  test("fails with the handler's own words, and serves on", async () => {
    const hello = setUp();
    await expect(hello.invoke({ fail: true })).rejects.toThrow('no such thing');
    await expect(hello.invoke({ name: 'c' })).resolves.toMatchObject({ name: 'c' });
  });

  test('fails when its process ends, and starts another for the next event', async () => {
    const hello = setUp();
    await expect(hello.invoke({ exit: true })).rejects.toThrow("the function's process ended with code 7");
    await expect(hello.invoke({ name: 'd' })).resolves.toMatchObject({ name: 'd' });
  });

  test('survives a process that has closed its channel, and starts another', async () => {
    const hello = setUp();
    const { pid } = (await hello.invoke({ name: 'a' })) as { pid: number };
    const deaf = hello.invoke({ deaf: true });
    await expect(deaf).rejects.toThrow("the function's process ended with SIGKILL");
    expect(() => process.kill(pid, 0)).toThrow('ESRCH');
    await expect(hello.invoke({ name: 'b' })).resolves.toMatchObject({ name: 'b' });
  });

  test('fails the request, and not the run, when its message cannot be sent', async () => {
    // As Node.js does without a callback: the failure is an event of the child, on the next turn.
    const child = Object.assign(new EventEmitter(), {
      exitCode: null,
      signalCode: null,
      send: () => setImmediate(() => child.emit('error', new Error('write EPIPE'))),
      kill: jest.fn(() => setImmediate(() => child.emit('exit', null, 'SIGKILL'))),
    });
    const hello = setUp('index.handler', 10, (() => child) as unknown as typeof fork);
    await expect(hello.invoke({})).rejects.toThrow("the function's process failed: write EPIPE");
    expect(child.kill).toHaveBeenCalledWith('SIGKILL');
  });

  test("fails after the function's own timeout", async () => {
    const hello = setUp('index.handler', 0.5);
    await expect(hello.invoke({ hang: true })).rejects.toThrow('Task timed out after 0.5 seconds');
  });

  test.each([
    ['a file that is not there', 'nowhere.handler', 'nowhere.handler is not in'],
    ['a name that is not exported', 'index.other', "does not export 'other'"],
  ])('says what is wrong with %s', async (_, handler, text) => {
    const hello = setUp(handler);
    await expect(hello.invoke({})).rejects.toThrow(text);
    expect(output.join()).toContain(`cannot load ${handler}`);
  });

  test('starts nothing once it is stopped', async () => {
    const hello = setUp();
    await hello.invoke({ name: 'e' });
    await hello.stop();
    await expect(hello.invoke({ name: 'f' })).rejects.toThrow('stopped');
  });
});
