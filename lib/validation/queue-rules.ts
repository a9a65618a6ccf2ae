import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Rules for any CloudFormation template with SQS queues, whoever wrote it: what SQS, CloudWatch or Auto Scaling refuse at
 * deployment, or accept and then lose messages with, and what no schema notices.
 *
 * The constructs of this package keep these rules by themselves. The rules are for stacks that are built another way.
 * They come in the two languages of CDK's template validation: Guard for rules about one resource, Rego for rules about
 * several. Each finding is named `QF_…`; with the feature flag `@aws-cdk/core:validateAgainstDefaultRules` it stops the
 * synthesis, without it CDK only warns.
 *
 * @example
 * const app = new App();
 * Validations.of(app).addPlugins(
 *   new CloudFormationValidatePlugin({
 *     guardRules: [{ name: 'queue-fleet.guard', content: QueueRules.guard() }],
 *     regoRules: [{ name: 'queue-fleet.rego', content: QueueRules.rego() }],
 *   }),
 * );
 *
 * @see https://docs.aws.amazon.com/cdk/api/v2/docs/aws-cdk-lib.CloudFormationValidatePlugin.html
 */
export class QueueRules {
  /**
   * The rules about a single resource.
   *
   * @returns the text of a CloudFormation Guard file, also usable with `cfn-guard validate`
   */
  public static guard(): string {
    return readRules('queue-fleet.guard');
  }

  /**
   * The rules that compare resources, or elements of a list.
   *
   * @returns the text of a Rego module for CDK's template validation (CDK 2.262 or later)
   */
  public static rego(): string {
    return readRules('queue-fleet.rego');
  }

  private constructor() {}
}

/** Reads from `rules/` at the package's root: three folders up in the compiled package, two in a checkout. */
function readRules(file: string): string {
  const compiled = join(__dirname, '../../../rules', file);
  return readFileSync(existsSync(compiled) ? compiled : join(__dirname, '../../rules', file), 'utf8');
}
