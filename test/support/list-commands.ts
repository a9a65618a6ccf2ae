import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';

/** Prints the commands of `queue-fleet` with their options, as JSON. A program of its own, because commander is an ES module. */
const FOLDER = join(__dirname, '../../bin/commands');

async function main(): Promise<void> {
  const options: Record<string, string[]> = {};
  for (const file of readdirSync(FOLDER)) {
    const command = new Command(file.replace('.ts', ''));
    ((await import(join(FOLDER, file))) as { configure(command: Command): void }).configure(command);
    for (const each of [command, ...command.commands]) {
      const name = each === command ? command.name() : `${command.name()} ${each.name()}`;
      options[name] = each.options
        .flatMap(({ long, short }) => [long ?? '', short ?? ''])
        .filter((flag) => flag !== '');
    }
  }
  console.log(JSON.stringify(options));
}

void main();
