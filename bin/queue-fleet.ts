import { Command } from 'commander';
import { version } from '../package.json';

/** One subcommand: a file of `bin/commands/`, loaded only when it is called so that `--help` stays quick. */
interface Subcommand {
  readonly name: string;
  readonly summary: string;
  readonly load: () => Promise<{ configure(command: Command): void }>;
}

const SUBCOMMANDS: readonly Subcommand[] = [
  {
    name: 'dlq',
    summary: 'dead-letter queues: list, peek, redrive, status, cancel',
    load: () => import('./commands/dlq.js'),
  },
  {
    name: 'local',
    summary: 'run a stack on this machine: page, queues, buckets, functions and workers',
    load: () => import('./commands/local.js'),
  },
  {
    name: 'send',
    summary: 'send messages to a queue: one body, or each line of a file',
    load: () => import('./commands/send.js'),
  },
  {
    name: 'plan',
    summary: 'print the settings that follow from a workload',
    load: () => import('./commands/plan.js'),
  },
  {
    name: 'simulate',
    summary: 'run the scaling of a synthesized template in virtual time',
    load: () => import('./commands/simulate.js'),
  },
];

async function main(argv: readonly string[]): Promise<void> {
  const program = new Command('queue-fleet')
    .description('Run, plan and simulate a cdk-queue-fleet template')
    .version(version);
  for (const subcommand of SUBCOMMANDS) {
    const command = program.command(subcommand.name).description(subcommand.summary);
    if (argv[2] === subcommand.name) (await subcommand.load()).configure(command);
  }
  await program.parseAsync(argv);
}

void main(process.argv).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
});
