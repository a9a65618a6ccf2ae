import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ROOT, runWell, tool } from './checks/check';
import { pack } from './checks/packed';

/** The languages that the package is published in, by jsii's names. */
export const TARGETS = ['js', 'python', 'java', 'go', 'dotnet'] as const;

/** One of {@link TARGETS}. */
export type Target = (typeof TARGETS)[number];

/** How one language's package is made. */
export interface PackageOptions {
  /** Sources without a compiled package: what a machine can do that lacks the language's compiler. */
  readonly codeOnly?: boolean;
}

/** The oldest versions that `peerDependencies` admits, for example `{ constructs: '10.5.1' }`. */
export function oldestPeers(): Readonly<Record<string, string>> {
  const { peerDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    peerDependencies: Record<string, string>;
  };
  return oldestOf(peerDependencies);
}

const oldestOf = (ranges: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(ranges).map(([name, range]) => [name, range.replace(/^\^/, '')]));

/** The jsii modules that an installed package depends on, with their ranges. */
function dependencies(directory: string, name: string): Readonly<Record<string, string>> {
  const installed = join(directory, 'node_modules');
  const manifest = JSON.parse(readFileSync(join(installed, name, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const isModule = (dependency: string): boolean => existsSync(join(installed, dependency, '.jsii'));
  return Object.fromEntries(Object.entries(manifest.dependencies).filter(([dependency]) => isModule(dependency)));
}

/**
 * The packed package beside the oldest peers, which is where the packages of other languages are made: a Go module has no
 * ranges, so its go.mod names the versions that are found here, and those are a minimum for everyone who uses it.
 */
export class Staging {
  readonly #directory = mkdtempSync(join(tmpdir(), 'queue-fleet-packages-'));

  public constructor() {
    writeFileSync(join(this.#directory, 'package.json'), '{ "name": "staging", "private": true }\n');
    this.#install(oldestPeers());
    // Those that CDK itself brings along are named in go.mod too.
    this.#install({ ...oldestPeers(), ...oldestOf(dependencies(this.#directory, 'aws-cdk-lib')) });
    runWell('tar', ['-xzf', pack().tarball], this.#directory);
  }

  #install(versions: Readonly<Record<string, string>>): void {
    const packages = Object.entries(versions).map(([name, version]) => `${name}@${version}`);
    runWell('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages], this.#directory);
  }

  /** Makes one language's package in a folder of its name below `outdir`. */
  public make(target: Target, outdir: string, { codeOnly = false }: PackageOptions = {}): void {
    const options = ['--targets', target, '--outdir', outdir, ...(codeOnly ? ['--code-only'] : [])];
    runWell(tool('jsii-pacmak'), options, join(this.#directory, 'package'));
  }

  /** Removes what the constructor made; the packages stay. */
  public remove(): void {
    rmSync(this.#directory, { recursive: true });
  }
}
