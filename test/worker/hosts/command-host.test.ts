import { createCommandHost, type CommandHostOptions } from '../../../worker/hosts/command-host';
import { DrainError, LeaseLostError } from '../../../messaging/handler';
import { silentLogger } from '../../../messaging/logger';
import { context, message } from './fixtures';

const script = (code: string, options: Partial<CommandHostOptions> = {}) =>
  createCommandHost({ command: [process.execPath, '-e', code], ...options });
const readAll = `let t='';process.stdin.on('data',(d)=>t+=d).on('end',()=>{const m=JSON.parse(t);`;

/** Resolves with the first line that a child writes. */
function firstLine(): { logger: typeof silentLogger; line: Promise<string> } {
  let tell = (_line: string): void => undefined;
  const line = new Promise<string>((resolve) => (tell = resolve));
  return { logger: { ...silentLogger, info: (_fields, text) => tell(text ?? '') }, line };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function untilGone(pid: number): Promise<void> {
  while (isAlive(pid)) await new Promise((resolve) => setTimeout(resolve, 5));
}

describe('createCommandHost', () => {
  test('gives the message as JSON and its output lines to the logger', async () => {
    const { handler } = await script(`${readAll}console.log(JSON.stringify(m))})`);
    const { logger, line } = firstLine();
    const attributes = { text: 'a', bytes: new Uint8Array([1, 2]) };
    await handler(message({ attributes, groupId: 'g' }), context({ logger }));
    expect(JSON.parse(await line)).toEqual({
      ...message({ groupId: 'g' }),
      attributes: { text: 'a', bytes: { base64: 'AQI=' } },
    });
  });

  test.each([
    [3, 'PermanentError'],
    [4, 'ReleaseError'],
    [1, 'WorkerError'],
    [2, 'WorkerError'],
    [255, 'WorkerError'],
  ])('turns exit code %d into %s with the end of standard error', async (code, name) => {
    const { handler } = await script(`console.error('why');process.exitCode=${code}`);
    await expect(handler(message(), context())).rejects.toMatchObject({
      name,
      messageId: 'm-1',
      message: expect.stringMatching(new RegExp(`exited with code ${code}(: why)?$`)),
    });
  });

  test('asks for a retry when a signal ends the child', async () => {
    const { handler } = await script(`process.kill(process.pid,'SIGKILL')`);
    await expect(handler(message(), context())).rejects.toThrow('was ended by SIGKILL');
  });

  test('takes exit code 0 of a child that reads nothing of a large body', async () => {
    const { handler } = await script('process.exit(0)');
    await handler(message({ body: 'x'.repeat(1_000_000) }), context());
  });

  test('ends the child and its children on abort and rejects with the reason', async () => {
    const { handler } = await script(
      `const c=require('node:child_process').spawn(process.execPath,['-e','setInterval(()=>{},1e3)']);console.log(c.pid);setInterval(()=>{},1e3)`,
    );
    const { logger, line } = firstLine();
    const controller = new AbortController();
    const handled = handler(message(), context({ logger, signal: controller.signal }));
    const grandchild = Number(await line);
    controller.abort(new LeaseLostError('lost', 'm-1'));
    await expect(handled).rejects.toThrow(LeaseLostError);
    await untilGone(grandchild);
  });

  test('takes exit code 0 of a child that finished its work after SIGTERM', async () => {
    const { handler } = await script(
      `process.on('SIGTERM',()=>setTimeout(()=>process.exit(0),20));console.log('up');setInterval(()=>{},1e3)`,
    );
    const { logger, line } = firstLine();
    const controller = new AbortController();
    const handled = handler(message(), context({ logger, signal: controller.signal }));
    await line;
    controller.abort(new Error('drain'));
    await handled;
  });

  test.each([
    ['after the grace', new Error('told to stop'), 700],
    ['after the grace, when a drain leaves more', new DrainError('over', 'm-1', 60_000), 700],
    ['shortly before a drain gives the message back', new DrainError('over', 'm-1', 400), 300],
    ['shortly before a drain gives the message back', new DrainError('over', 'm-1', 800), 600],
    ['at once when a drain has no time at all', new DrainError('over', 'm-1', 0), 0],
  ])('kills %s what ignores SIGTERM', async (_when, reason, killedAfterMs) => {
    const timers: Array<{ delayMs: number; callback: () => void }> = [];
    const clock = {
      now: () => 0,
      wallClock: () => 0,
      setTimer: (delayMs: number, callback: () => void) => (timers.push({ delayMs, callback }), () => undefined),
    };
    const { handler } = await script(
      `process.on('SIGTERM',()=>console.log('no'));console.log('up');setInterval(()=>{},1e3)`,
      { clock, graceMs: 700 },
    );
    const lines: string[] = [];
    let wake = (): void => undefined;
    const logger = { ...silentLogger, info: (_fields: object, text?: string) => (lines.push(text ?? ''), wake()) };
    const until = async (count: number): Promise<void> => {
      while (lines.length < count) await new Promise<void>((resolve) => (wake = resolve));
    };
    const controller = new AbortController();
    const handled = handler(message(), context({ logger, signal: controller.signal }));
    await until(1);
    handled.catch(() => {});
    controller.abort(reason);
    expect(timers.map((timer) => timer.delayMs)).toEqual([killedAfterMs]);
    if (killedAfterMs > 0) {
      await until(2);
      expect(lines).toEqual(['up', 'no']);
      timers[0]?.callback();
    }
    await expect(handled).rejects.toBe(reason);
  });

  test('stop ends running children and refuses later messages', async () => {
    const host = await script(`console.log(process.pid);setInterval(()=>{},1e3)`);
    const { logger, line } = firstLine();
    const handled = host.handler(message(), context({ logger }));
    handled.catch(() => undefined);
    const pid = Number(await line);
    await host.stop();
    expect(isAlive(pid)).toBe(false);
    await expect(handled).rejects.toThrow('was ended by SIGTERM');
    await expect(host.handler(message(), context())).rejects.toMatchObject({ name: 'ReleaseError' });
  });

  test('starts nothing for a message whose lease is lost already', async () => {
    const spawn = jest.fn();
    const { handler } = await script('', { spawn: spawn as never });
    await expect(handler(message(), context({ signal: AbortSignal.abort(new Error('late')) }))).rejects.toThrow('late');
    expect(spawn).not.toHaveBeenCalled();
  });

  test('fails when the program does not exist', async () => {
    await expect(createCommandHost({ command: ['no-such-program-here'] })).rejects.toThrow(
      "'handler' command (no-such-program-here) must be an executable file or be found in PATH",
    );
    await expect(createCommandHost({ command: ['/no/such'] })).rejects.toMatchObject({ name: 'HandlerSpecError' });
  });
});
