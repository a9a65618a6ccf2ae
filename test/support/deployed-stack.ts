import type { Stack } from 'aws-cdk-lib';
import * as assertions from 'aws-cdk-lib/assertions';
import type { IConstruct } from 'constructs';
import { evaluate, type Evaluation, type PolicyDocument, type Principal } from '../../local/policy-evaluator';
import { resolveValue } from '../../sim/resolve';
import { Template } from '../../sim/template';
import type { JsonObject, TemplateResource } from '../../sim/template-parts';

/** Account and region that a stack without environment is "deployed" to. */
export const ACCOUNT = '123456789012';
export const REGION = 'us-east-1';

/** What a request says besides principal and action. TLS is on unless said otherwise. */
export type RequestContext = Readonly<Record<string, string>>;

/** A synthesized stack with the names and ARNs that a deployment would give it, and IAM's answers about its policies. */
export class DeployedStack {
  readonly #template: Template;

  constructor(private readonly stack: Stack) {
    this.#template = Template.parse(assertions.Template.fromStack(stack).toJSON(), stack.stackName);
  }

  /** ARN of what a construct deploys. */
  arnOf(construct: IConstruct): string {
    return arn(this.#resourceOf(construct));
  }

  /** The principal that a role or user of the stack is. */
  principalOf(construct: IConstruct): Principal {
    return { kind: 'aws', arn: this.arnOf(construct) };
  }

  /** What IAM answers to a request to a queue, or to a topic that has a policy. */
  ask(queue: IConstruct, principal: Principal, action: string, context: RequestContext = {}): Evaluation['decision'] {
    const id = this.#resourceOf(queue).logicalId;
    const policies = ['AWS::SQS::QueuePolicy', 'AWS::SNS::TopicPolicy']
      .flatMap((type) => this.#template.ofType(type))
      .filter(({ properties }) => JSON.stringify(properties['Queues'] ?? properties['Topics']).includes(`"${id}"`));
    return evaluate({
      identityPolicies: this.#identityPolicies(principal),
      resourcePolicy: policies[0] && (this.#resolve(policies[0])['PolicyDocument'] as PolicyDocument),
      request: {
        principal,
        action,
        resource: this.arnOf(queue),
        context: { 'aws:SecureTransport': 'true', ...context },
      },
    }).decision;
  }

  /** What IAM answers to a request to a key, made by SQS in the principal's name. */
  askKey(key: IConstruct, principal: Principal, action: string, context: RequestContext = {}): Evaluation['decision'] {
    const resource = this.#resourceOf(key);
    const caller: RequestContext =
      principal.kind === 'aws' ? { 'kms:CallerAccount': principal.arn.split(':')[4] ?? '' } : {};
    return evaluate({
      identityPolicies: this.#identityPolicies(principal),
      keyPolicy: this.#resolve(resource)['KeyPolicy'] as PolicyDocument,
      request: {
        principal,
        action,
        resource: arn(resource),
        context: { 'kms:ViaService': `sqs.${REGION}.amazonaws.com`, ...caller, ...context },
      },
    }).decision;
  }

  /** What IAM answers to a request to a resource without a policy of its own, named by its ARN. */
  askArn(resource: string, principal: Principal, action: string, context: RequestContext = {}): Evaluation['decision'] {
    return evaluate({
      identityPolicies: this.#identityPolicies(principal),
      request: { principal, action, resource, resourceAccount: ACCOUNT, context },
    }).decision;
  }

  /** Properties of what a construct deploys. */
  propertiesOf(construct: IConstruct): JsonObject {
    return this.#resolve(this.#resourceOf(construct));
  }

  #identityPolicies(principal: Principal): PolicyDocument[] {
    if (principal.kind !== 'aws') return [];
    // A principal of another account has whatever its own administrator gives it: the most.
    if (!principal.arn.includes(`:${ACCOUNT}:`)) {
      return [{ Statement: { Effect: 'Allow', Action: '*', Resource: '*' } }];
    }
    return ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy']
      .flatMap((type) => this.#template.ofType(type))
      .map((policy) => ({ policy, properties: this.#resolve(policy) }))
      .filter(({ properties }) =>
        [
          ...((properties['Roles'] as string[] | undefined) ?? []),
          ...((properties['Users'] as string[] | undefined) ?? []),
        ].some((name) => principal.arn.endsWith(`/${name}`)),
      )
      .map(({ properties }) => properties['PolicyDocument'] as PolicyDocument);
  }

  #resourceOf(construct: IConstruct): TemplateResource {
    const id = this.stack.resolve((construct.node.defaultChild as { logicalId?: unknown } | undefined)?.logicalId);
    const resource = this.#template.resources.get(String(id));
    if (resource === undefined) throw new Error(`${construct.node.path} is not in the template`);
    return resource;
  }

  #resolve(resource: TemplateResource): JsonObject {
    return resolveValue(resource.properties, {
      template: this.#template,
      logicalId: resource.logicalId,
      ref: (other) =>
        other.type === 'AWS::SQS::Queue'
          ? url(other)
          : other.type.startsWith('AWS::SNS')
            ? arn(other)
            : other.logicalId,
      getAtt: (other, attribute) => (attribute === 'Arn' ? arn(other) : other.logicalId),
    }) as JsonObject;
  }
}

function arn(resource: TemplateResource): string {
  const id = resource.logicalId;
  const forms: Readonly<Record<string, string>> = {
    'AWS::SQS::Queue': `arn:aws:sqs:${REGION}:${ACCOUNT}:${id}`,
    'AWS::KMS::Key': `arn:aws:kms:${REGION}:${ACCOUNT}:key/${id}`,
    'AWS::S3::Bucket': `arn:aws:s3:::${id.toLowerCase()}`,
    'AWS::SNS::Topic': `arn:aws:sns:${REGION}:${ACCOUNT}:${id}`,
    'AWS::Events::Rule': `arn:aws:events:${REGION}:${ACCOUNT}:rule/${id}`,
    'AWS::IAM::Role': `arn:aws:iam::${ACCOUNT}:role/${id}`,
    'AWS::IAM::User': `arn:aws:iam::${ACCOUNT}:user/${id}`,
  };
  return forms[resource.type] ?? `arn:aws:other:${REGION}:${ACCOUNT}:${id}`;
}

function url(resource: TemplateResource): string {
  return `https://sqs.${REGION}.amazonaws.com/${ACCOUNT}/${resource.logicalId}`;
}
