import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks, HIPAASecurityChecks, NIST80053R5Checks, PCIDSS321Checks } from 'cdk-nag';
import { cfnLint, cfnLintMissing } from '../../scripts/checks/cfn-lint';

/** Feature flags that `cdk init` sets today. */
export const RECOMMENDED_FLAGS = JSON.parse(
  readFileSync(require.resolve('aws-cdk-lib/recommended-feature-flags.json'), 'utf8'),
) as Readonly<Record<string, unknown>>;

/** One finding of a validator. */
export interface Finding {
  readonly rule: string;
  readonly path: string;
}

/** CDK writes it into the assembly when a validator found something. */
const REPORT = 'validation-report.json';

interface ValidationReport {
  readonly pluginReports: ReadonlyArray<{
    readonly violations: ReadonlyArray<{
      readonly ruleName: string;
      readonly violatingConstructs: ReadonlyArray<{ readonly constructPath?: string }>;
    }>;
  }>;
}

/**
 * Synthesizes with CDK's own template rules as errors, cdk-nag's AwsSolutions and NIST 800-53 R5, and returns what they
 * find; with `allPacks` HIPAA and PCI DSS too. With `cfnLint`, the template also goes through cfn-lint.
 */
export function findingsOf(
  build: (stack: Stack) => void,
  context: Readonly<Record<string, unknown>>,
  options: { readonly cfnLint: boolean; readonly allPacks?: boolean },
): Finding[] {
  const outdir = mkdtempSync(join(tmpdir(), 'queue-fleet-'));
  try {
    const app = new App({
      outdir,
      context: { ...context, '@aws-cdk/core:validateAgainstDefaultRules': true },
    });
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new NIST80053R5Checks(app));
    if (options.allPacks) Validations.of(app).addPlugins(new HIPAASecurityChecks(app), new PCIDSS321Checks(app));
    build(new Stack(app, 'Test'));
    return [...validate(app).findings, ...(options.cfnLint ? cfnLint(join(outdir, 'Test.template.json')) : [])];
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/**
 * Synthesizes as `cdk synth` does, and says what was found and whether that stops it. CDK prints findings, sets the
 * process's exit code and throws; the report says the same in a form to compare.
 */
export function validate(app: App): { readonly findings: Finding[]; readonly stops: boolean } {
  const exitCode = process.exitCode;
  const validation = process.env['CDK_VALIDATION'];
  const write = process.stderr.write;
  delete process.env['CDK_VALIDATION'];
  process.exitCode = undefined;
  process.stderr.write = () => true;
  try {
    app.synth();
    return { findings: reportIn(app.outdir), stops: (process.exitCode as unknown) === 1 };
  } catch (error) {
    if (!existsSync(join(app.outdir, REPORT))) throw error;
    return { findings: reportIn(app.outdir), stops: true };
  } finally {
    process.stderr.write = write;
    process.exitCode = exitCode;
    if (validation !== undefined) process.env['CDK_VALIDATION'] = validation;
  }
}

function reportIn(outdir: string): Finding[] {
  const file = join(outdir, REPORT);
  if (!existsSync(file)) return [];
  const report = JSON.parse(readFileSync(file, 'utf8')) as ValidationReport;
  return report.pluginReports.flatMap((plugin) =>
    plugin.violations.flatMap((violation) =>
      violation.violatingConstructs.map((construct) => ({
        rule: violation.ruleName,
        path: construct.constructPath ?? 'unknown',
      })),
    ),
  );
}

/** Whether the cfn-lint that is asked for can be run here; a line says so when it cannot. */
export function hasCfnLint(): boolean {
  const missing = cfnLintMissing();
  if (missing !== undefined) console.warn(missing);
  return missing === undefined;
}
