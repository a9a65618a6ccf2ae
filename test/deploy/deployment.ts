import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { PolicyDocument } from '../../local/policy-evaluator';
import type { Assembly } from './assembly';
import { runCdk } from './cdk';
import { ACCOUNT, REGION, runScript, type Server, WORK } from './moto-server';

/** What reading a stack back found. */
export interface Comparison {
  /** `LogicalId.Property: template … but deployed …`, one a difference. */
  readonly differences: readonly string[];
  /** How many values were compared, and what could not be. */
  readonly summary: string;
}

/** What is known of one deployed resource. */
export interface Fact {
  readonly type: string;
  /** What `Ref` gives. */
  readonly id: string;
  /** Stays when the stack goes. */
  readonly retained: boolean;
  readonly arn?: string;
  /** Its policy: of a queue, a bucket or a key. */
  readonly policy?: PolicyDocument;
  /** Of a role: who may assume it, and what it may do. */
  readonly trust?: PolicyDocument;
  readonly policies?: readonly PolicyDocument[];
  /** Of the group. */
  readonly tags?: Readonly<Record<string, string>>;
}

export type Facts = Readonly<Record<string, Fact>>;

/** @throws Error when nothing was deployed for the construct at `path`. */
export function fact(facts: Facts, path: string): Fact {
  const found = facts[path];
  if (found === undefined) throw new Error(`${path} was not deployed`);
  return found;
}

/** One stack of one app on one server, driven by the real command line. */
export class Deployment {
  constructor(private readonly server: Server) {}

  bootstrap({ directory }: Assembly): void {
    runCdk(['bootstrap', `aws://${ACCOUNT}/${REGION}`, '--app', directory], this.server.endpoint);
  }

  /**
   * Deploys, and checks what the command line does not.
   *
   * @returns what the command line said
   * @throws Error when the deployment failed, whoever noticed
   */
  deploy(assembly: Assembly): string {
    const outputsFile = join(WORK, 'outputs.json');
    rmSync(outputsFile, { force: true });
    const logged = this.server.log().length;
    const said = runCdk(
      ['deploy', '--all', '--require-approval', 'never', '--outputs-file', outputsFile, '--app', assembly.directory],
      this.server.endpoint,
    );
    // The command line takes a change set whose execution failed with status 500 for complete.
    const failure = /Traceback[\s\S]*?\n(\w[\w.]*(?:Error|Expired|Exception)\b.*)/.exec(
      this.server.log().slice(logged),
    )?.[1];
    const missing = missingOutputs(assembly, outputsFile);
    if (missing.length > 0 || failure !== undefined) {
      throw new Error(
        `the command line says that it deployed, but outputs are missing (${missing.join(', ') || 'none'}) ` +
          `and the test server failed: ${failure ?? 'no'}`,
      );
    }
    return said;
  }

  destroy({ directory }: Assembly): void {
    runCdk(['destroy', '--all', '--force', '--app', directory], this.server.endpoint);
  }

  /** Compares the deployed stack with the template of `assembly`, through the public APIs. */
  readBack({ stackName, templateFile }: Assembly): Comparison {
    const { text } = runScript('read_back.py', [this.server.endpoint, REGION, stackName, templateFile]);
    const lines = text.trim().split('\n');
    return { differences: lines.slice(0, -1), summary: lines.at(-1) ?? '' };
  }

  /** Ids, ARNs and policies of what was deployed, by the path of its construct below the stack. */
  facts({ stackName, templateFile }: Assembly): Facts {
    const { text } = runScript('facts.py', [this.server.endpoint, REGION, stackName, templateFile]);
    return JSON.parse(text) as Facts;
  }

  /** What is on the server beside the bootstrap stack and what a stack with these facts was to retain. */
  leftovers(facts: Facts): readonly string[] {
    const retained = Object.values(facts).filter((each) => each.retained);
    return runScript('leftovers.py', [this.server.endpoint, REGION])
      .text.split('\n')
      .filter((line) => line !== '' && !retained.some(({ id }) => line.includes(id)));
  }
}

/** Outputs of the template that the deployment did not give a value. */
function missingOutputs({ template, stackName }: Assembly, outputsFile: string): readonly string[] {
  const outputs = existsSync(outputsFile)
    ? (JSON.parse(readFileSync(outputsFile, 'utf8')) as Record<string, Record<string, string>>)[stackName]
    : undefined;
  return Object.keys(template.Outputs ?? {}).filter((name) => !outputs?.[name]);
}
