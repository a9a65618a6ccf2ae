import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import * as ssm from 'aws-cdk-lib/aws-ssm';

/**
 * Where an instance gets the value of an environment variable that must not be in the template.
 *
 * Fetched with the instance's role before each start of the worker and kept in memory (`/run`), never on its disk. A new
 * value is seen at the next start. One line of text each.
 *
 * @example
 * declare const apiKey: ssm.IStringParameter;
 * const secrets = { API_KEY: WorkerSecret.fromParameter(apiKey) };
 */
export class WorkerSecret {
  /**
   * A parameter of Systems Manager Parameter Store, usually a SecureString.
   *
   * @param parameter the parameter; the role may read it, and decrypt it where its key is known
   * @returns the secret, for the prop `secrets`
   */
  public static fromParameter(parameter: ssm.IParameter): WorkerSecret {
    return new WorkerSecret('parameter', parameter.parameterName, undefined, (grantee) => parameter.grantRead(grantee));
  }

  /**
   * A secret of AWS Secrets Manager.
   *
   * @param secret the secret; its string value is used
   * @param field key in the secret's JSON object, @default - the whole string
   * @returns the secret, for the prop `secrets`
   */
  public static fromSecretsManager(secret: secretsmanager.ISecret, field?: string): WorkerSecret {
    return new WorkerSecret('secret', secret.secretArn, field, (grantee) => secret.grantRead(grantee));
  }

  /** @internal */
  public readonly _kind: 'parameter' | 'secret';
  /** @internal */
  public readonly _id: string;
  /** @internal */
  public readonly _field?: string;

  private readonly grant: (grantee: iam.IGrantable) => iam.Grant;

  private constructor(
    kind: 'parameter' | 'secret',
    id: string,
    field: string | undefined,
    grant: (grantee: iam.IGrantable) => iam.Grant,
  ) {
    this._kind = kind;
    this._id = id;
    this._field = field;
    this.grant = grant;
  }

  /**
   * Lets `grantee` read the value.
   *
   * @param grantee a role or a user
   * @returns the grant: `ssm:GetParameter*` or `secretsmanager:GetSecretValue` on this one value, and `kms:Decrypt` on its key
   */
  public grantRead(grantee: iam.IGrantable): iam.Grant {
    return this.grant(grantee);
  }
}
