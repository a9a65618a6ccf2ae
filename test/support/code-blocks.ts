import { spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** One fenced `ts` block of a Markdown file. */
export interface CodeBlock {
  /** For example `docs/work-queue.md:12`. */
  readonly place: string;
  readonly code: string;
}

/** Finds the blocks fenced as `ts`. */
export function codeBlocksIn(file: string, markdown: string): CodeBlock[] {
  return [...markdown.matchAll(/^```ts\n([^]*?)^```$/gm)].map((match) => ({
    place: `${file}:${markdown.slice(0, match.index).split('\n').length + 1}`,
    code: match[1] ?? '',
  }));
}

/** Finds the `@example` of each comment of a source file. */
export function examplesIn(file: string, source: string): CodeBlock[] {
  return [...source.matchAll(/^ *\* @example\n([^]*?)^ *\*(?:\/| @)/gm)].map((match) => ({
    place: `${file}:${source.slice(0, match.index).split('\n').length + 1}`,
    code: (match[1] ?? '').replace(/^ *\* ?/gm, ''),
  }));
}

/** Modules that a block without imports may use by these names, as the documentation of aws-cdk-lib does. */
const MODULES = [
  'autoscaling',
  'cloudwatch',
  'ec2',
  'events',
  'iam',
  'kms',
  'lambda',
  's3',
  'scheduler',
  'sns',
  'sqs',
  'ssm',
] as const;

/**
 * Makes a module of a block. Imports and declarations stay on top. A block that says `this` stands inside the constructor of a stack. A
 * block without any import gets the constructs of this package, the usual modules of aws-cdk-lib and `stack`.
 */
export function moduleOf(code: string, exports: readonly string[]): string {
  const imports = [...code.matchAll(/^import [^;]*;$/gm)].map(([statement]) => statement);
  const declarations = [...code.matchAll(/^declare [^;]*;$/gm)].map(([statement]) => statement);
  const body = [...imports, ...declarations].reduce((rest, statement) => rest.replace(statement, ''), code);
  const head =
    imports.length > 0
      ? imports
      : [
          `import { ${exports.join(', ')} } from 'cdk-queue-fleet';`,
          "import { App, CloudFormationValidatePlugin, Duration, RemovalPolicy, Size, Stack, Validations } from 'aws-cdk-lib';",
          ...MODULES.map((name) => `import * as ${name} from 'aws-cdk-lib/aws-${name}';`),
          'declare const stack: Stack;',
        ];
  head.push(...declarations);
  const usesThis = /\bthis\b/.test(body) && !/^\s*(export |class )/m.test(body);
  if (!usesThis) return [...head, body, 'export {};'].join('\n');
  return [
    ...head,
    "import { Stack as ExampleStack } from 'aws-cdk-lib';",
    'export class Example extends ExampleStack {',
    '  public build(): void {',
    body,
    '  }',
    '}',
  ].join('\n');
}

/** Type-checks the blocks against the sources and returns the compiler's messages, empty when all is well. */
export function compileErrors(
  root: string,
  folder: string,
  blocks: readonly CodeBlock[],
  exports: readonly string[],
): string {
  const directory = join(root, 'tmp', folder);
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  for (const block of blocks) {
    writeFileSync(join(directory, `${block.place.replace(/[/:]/g, '-')}.mts`), moduleOf(block.code, exports));
  }
  writeFileSync(
    join(directory, 'tsconfig.json'),
    JSON.stringify({
      extends: '../../tsconfig.json',
      compilerOptions: {
        noUnusedLocals: false,
        noUnusedParameters: false,
        isolatedModules: false,
        paths: {
          'cdk-queue-fleet': ['../../lib/index.ts'],
          'cdk-queue-fleet/messaging': ['../../messaging/index.ts'],
        },
      },
      include: ['*.mts'],
      exclude: [],
    }),
  );
  const compiler = join(root, 'node_modules/ts7/bin/tsc');
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [compiler, '--noEmit', '-p', join(directory, 'tsconfig.json')],
    {
      encoding: 'utf8',
    },
  );
  return stdout + stderr;
}
