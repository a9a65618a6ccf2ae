import { App, type Stack } from 'aws-cdk-lib';
import ts from 'typescript';
import * as lib from '../../lib';
import * as messaging from '../../messaging';
import { moduleOf } from './code-blocks';

/** What the blocks import by the package's name comes from the sources. */
const OURS: Readonly<Record<string, object>> = { 'cdk-queue-fleet': lib, 'cdk-queue-fleet/messaging': messaging };

/** Runs the module that a block is compiled as, and returns what it exports. */
function run(code: string): Record<string, unknown> {
  const options = { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022, esModuleInterop: true };
  const { outputText } = ts.transpileModule(code, { compilerOptions: options });
  const exported: Record<string, unknown> = {};
  const load = (name: string): unknown => OURS[name] ?? jest.requireActual(name);
  new Function('require', 'exports', outputText)(load, exported);
  return exported;
}

/** Builds the stack that a block describes: one that says `this`, as inside the constructor of a stack. */
export function stackOf(block: string, env = { account: '123456789012', region: 'eu-west-1' }): Stack {
  const { Example } = run(moduleOf(block, Object.keys(lib))) as {
    Example: new (app: App, id: string, props: object) => Stack & { build(): void };
  };
  const stack = new Example(new App(), 'Recipe', { env });
  stack.build();
  return stack;
}

/** Runs a block that stands on its own, awaits included. */
export async function runBlock(block: string): Promise<void> {
  const imports = [...block.matchAll(/^import [^;]*;$/gm)].map(([statement]) => statement);
  const body = imports.reduce((rest, statement) => rest.replace(statement, ''), block);
  const { done } = run([...imports, 'export const done = (async () => {', body, '})();'].join('\n'));
  await done;
}

/** Runs a block that makes an `app`. */
export function runApp(block: string): App {
  return (run(`${block}\nexport { app };`) as { app: App }).app;
}
