/** A cloud assembly on disk: synthesized by the real command line, copied, and broken on purpose. */
import { createHash } from 'node:crypto';
import { cpSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { runCdk } from './cdk';
import { WORK } from './moto-server';

/** A resource of a template, as loose as JSON is. */
export interface Resource {
  readonly Type: string;
  readonly DeletionPolicy?: string;
  readonly Metadata?: Readonly<Record<string, unknown>>;
  Properties?: Record<string, unknown>;
}

/** A template, as loose as JSON is. */
export interface Template {
  readonly Resources: Record<string, Resource>;
  Outputs?: Record<string, unknown>;
  Conditions?: Record<string, unknown>;
}

/** An assembly with one stack. */
export class Assembly {
  readonly templateFile: string;

  private constructor(readonly directory: string) {
    const template = readdirSync(directory).find((file) => file.endsWith('.template.json'));
    if (template === undefined) throw new Error(`${directory} holds no stack`);
    this.templateFile = join(directory, template);
  }

  /** Runs the app with the real command line. `context`: `key=value`. */
  static synthesize(name: string, app: string, context: readonly string[] = []): Assembly {
    const directory = join(WORK, name);
    rmSync(directory, { recursive: true, force: true });
    runCdk(['synth', '--quiet', '--app', app, '--output', directory, ...context.flatMap((entry) => ['-c', entry])]);
    return new Assembly(directory);
  }

  get stackName(): string {
    return basename(this.templateFile, '.template.json');
  }

  get template(): Template {
    return JSON.parse(readFileSync(this.templateFile, 'utf8')) as Template;
  }

  /** A copy whose template `change` has changed, under a new asset key so that the command line uploads it. */
  changed(name: string, change: (template: Template) => void): Assembly {
    const directory = join(WORK, name);
    rmSync(directory, { recursive: true, force: true });
    cpSync(this.directory, directory, { recursive: true });
    const copy = new Assembly(directory);
    const { template } = copy;
    change(template);
    const text = JSON.stringify(template);
    writeFileSync(copy.templateFile, text);
    copy.#renameTemplateAsset(createHash('sha256').update(text).digest('hex'));
    return copy;
  }

  #renameTemplateAsset(fresh: string): void {
    const files = readdirSync(this.directory).filter((file) => /^manifest\.json$|\.assets\.json$/.test(file));
    for (const file of files) {
      const manifest = JSON.parse(readFileSync(join(this.directory, file), 'utf8')) as {
        files?: Record<string, { source: { path: string } }>;
      };
      const old = Object.entries(manifest.files ?? {}).find(
        ([, asset]) => asset.source.path === basename(this.templateFile),
      )?.[0];
      if (old === undefined) continue;
      for (const other of files) {
        const path = join(this.directory, other);
        writeFileSync(path, readFileSync(path, 'utf8').replaceAll(old, fresh));
      }
    }
  }
}
