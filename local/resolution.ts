/** Physical names and attributes that the template's resources have in a local run. */
import { resolveValue } from '../sim/resolve';
import type { TemplateResource } from '../sim/template-parts';
import type { LocalAssembly } from './assembly';

/** Addresses of the run's servers, without trailing slashes. */
export interface LocalEndpoints {
  /** S3 and SQS. */
  readonly aws: string;
  readonly page: string;
  /** HTTP APIs by logical id. */
  readonly apis: Readonly<Record<string, string>>;
}

/** Services in ARNs, by the prefix of the resource type, where they differ. */
const ARN_SERVICES: Readonly<Record<string, string>> = {
  ApplicationAutoScaling: 'autoscaling',
  ApiGatewayV2: 'apigateway',
};

/** Resolves values of one template against the local run. */
export class Resolution {
  readonly assembly: LocalAssembly;
  readonly #endpoints: LocalEndpoints;
  /** Origins and URLs of AWS that stand for the page and the APIs. */
  readonly #rewrites: readonly (readonly [from: string, to: string])[];

  /** @param rewrites further texts of the template that mean something else here, for example the page's origin */
  constructor(
    assembly: LocalAssembly,
    endpoints: LocalEndpoints,
    rewrites: readonly (readonly [from: string, to: string])[] = [],
  ) {
    this.assembly = assembly;
    this.#endpoints = endpoints;
    const { template, region } = assembly;
    this.#rewrites = [
      ...rewrites,
      ...template
        .ofType('AWS::ApiGatewayV2::Api')
        .map(({ logicalId }) => [
          `https://${this.physicalName(logicalId)}.execute-api.${region}.amazonaws.com`,
          endpoints.apis[logicalId] ?? endpoints.aws,
        ]),
      ...template
        .ofType('AWS::CloudFront::Distribution')
        .map(({ logicalId }) => [`https://${distributionDomain(logicalId)}`, endpoints.page]),
    ] as readonly (readonly [string, string])[];
  }

  /** Name that AWS would generate, or that the template sets. */
  physicalName(logicalId: string): string {
    const { template, stackName } = this.assembly;
    const resource = template.resources.get(logicalId);
    const given = resource && (resource.properties[NAME_PROPERTIES[resource.type] ?? ''] as unknown);
    if (given !== undefined) return String(this.resolve(given, logicalId));
    const name = `${stackName}-${logicalId}`.replace(/[^A-Za-z0-9-]/g, '-');
    switch (resource?.type) {
      case 'AWS::S3::Bucket':
        return name.toLowerCase().slice(-63).replace(/^-+/, '');
      case 'AWS::SQS::Queue':
        return resource.properties['FifoQueue'] === true ? `${name.slice(-75)}.fifo` : name.slice(-80);
      case 'AWS::ApiGatewayV2::Api':
        return name
          .toLowerCase()
          .replace(/[^a-z0-9]/g, '')
          .slice(-40);
      default:
        return name.slice(-64);
    }
  }

  /** ARN of a resource. */
  arn(logicalId: string): string {
    const { template, region, account } = this.assembly;
    const type = template.resources.get(logicalId)?.type ?? '';
    const name = this.physicalName(logicalId);
    switch (type) {
      case 'AWS::S3::Bucket':
        return `arn:aws:s3:::${name}`;
      case 'AWS::SQS::Queue':
        return `arn:aws:sqs:${region}:${account}:${name}`;
      case 'AWS::Lambda::Function':
        return `arn:aws:lambda:${region}:${account}:function:${name}`;
      case 'AWS::IAM::Role':
        return `arn:aws:iam::${account}:role/${name}`;
      case 'AWS::KMS::Key':
        return `arn:aws:kms:${region}:${account}:key/${name}`;
      default: {
        const [, service = 'local', kind = 'resource'] = type.split('::');
        return `arn:aws:${ARN_SERVICES[service] ?? service.toLowerCase()}:${region}:${account}:${kind.toLowerCase()}/${name}`;
      }
    }
  }

  /** Resolves every intrinsic inside a value of the template. */
  resolve(value: unknown, logicalId: string): unknown {
    const { template } = this.assembly;
    return this.#rewrite(
      resolveValue(value, {
        template,
        logicalId,
        ref: (resource) => this.#ref(resource),
        getAtt: (resource, attribute) => this.#getAtt(resource, attribute),
      }),
    );
  }

  /** Replaces AWS's addresses by local ones in every text inside a value. */
  #rewrite(value: unknown): unknown {
    if (typeof value === 'string') {
      return this.#rewrites.reduce((text, [from, to]) => text.replaceAll(from, to), value);
    }
    if (Array.isArray(value)) return value.map((item) => this.#rewrite(item));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.#rewrite(item)]));
  }

  #ref({ logicalId, type }: TemplateResource): string {
    const name = this.physicalName(logicalId);
    if (type === 'AWS::SQS::Queue') return `${this.#endpoints.aws}/${this.assembly.account}/${name}`;
    return type === 'AWS::IAM::ManagedPolicy' || type === 'AWS::SNS::Topic' ? this.arn(logicalId) : name;
  }

  #getAtt({ logicalId, type }: TemplateResource, attribute: string): string {
    const name = this.physicalName(logicalId);
    if (attribute === 'Arn') return this.arn(logicalId);
    if (attribute.endsWith('Name') && type !== 'AWS::CloudFront::Distribution' && type !== 'AWS::S3::Bucket')
      return name;
    if (type === 'AWS::ApiGatewayV2::Api') return this.#endpoints.apis[logicalId] ?? this.#endpoints.aws;
    if (type === 'AWS::CloudFront::Distribution') return distributionDomain(logicalId);
    if (type === 'AWS::S3::Bucket') return `${name}.s3.amazonaws.com`;
    if (type === 'AWS::SQS::Queue' && attribute === 'QueueUrl')
      return `${this.#endpoints.aws}/${this.assembly.account}/${name}`;
    return attribute === 'LatestVersionNumber' || attribute === 'DefaultVersionNumber' ? '1' : `${name}.${attribute}`;
  }
}

/** A domain that no resolver answers (RFC 6761): if it ever leaks, nothing is reached. */
function distributionDomain(logicalId: string): string {
  return `${logicalId.toLowerCase()}.distribution.invalid`;
}

/** Property that names a resource, by type. */
const NAME_PROPERTIES: Readonly<Record<string, string>> = {
  'AWS::AutoScaling::AutoScalingGroup': 'AutoScalingGroupName',
  'AWS::IAM::Role': 'RoleName',
  'AWS::Lambda::Function': 'FunctionName',
  'AWS::S3::Bucket': 'BucketName',
  'AWS::SQS::Queue': 'QueueName',
};
