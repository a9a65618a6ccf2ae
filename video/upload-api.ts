import { join } from 'node:path';
import {
  AssetHashType,
  aws_apigateway as apigateway,
  aws_apigatewayv2 as apigatewayv2,
  aws_apigatewayv2_integrations as integrations,
  aws_iam as iam,
  aws_lambda as lambda,
  aws_logs as logs,
  type aws_s3 as s3,
  Duration,
  RemovalPolicy,
} from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { ApiAccess } from './api-access';
import { lambdaBundle } from './bundle';
import { INCOMING_PREFIX, POST_MAX_BYTES, UPLOAD_MAX_BYTES } from './contract';

/** Properties of {@link UploadApi}. */
export interface UploadApiProps {
  readonly uploadsBucket: s3.IBucket;
  readonly mediaBucket: s3.IBucket;
  readonly access: ApiAccess;
  /** Where browsers load media from: the page's own `/media`, or an address. */
  readonly mediaBaseUrl: string;
  /** Origins of pages on other hosts than the API's, exactly as a browser sends them. */
  readonly pageOrigins: readonly string[];
  /** Set for the ordered variant: the API sends the message, since S3 cannot write to a FIFO queue. */
  readonly queueUrl?: string;
}

/** Requests per second, and at once, that the API serves; a page asks for its list every 2 seconds. */
const THROTTLE = { rateLimit: 50, burstLimit: 100 };

const { POST, GET } = apigatewayv2.HttpMethod;

/** An HTTP API with one Lambda function: signs uploads and lists videos. */
export class UploadApi extends Construct {
  readonly api: apigatewayv2.HttpApi;
  readonly handler: lambda.Function;

  constructor(scope: Construct, id: string, props: UploadApiProps) {
    super(scope, id);
    const { uploadsBucket, mediaBucket, access, queueUrl } = props;

    this.handler = new lambda.Function(this, 'Handler', {
      description: 'Signs uploads and lists videos',
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      handler: 'index.handler',
      code: lambda.Code.fromAsset(join(__dirname, '..', 'lambda'), {
        assetHashType: AssetHashType.OUTPUT,
        bundling: lambdaBundle('lambda/uploads.ts'),
      }),
      memorySize: 512,
      timeout: Duration.seconds(10),
      environment: {
        UPLOADS_BUCKET: uploadsBucket.bucketName,
        MEDIA_BUCKET: mediaBucket.bucketName,
        MEDIA_BASE_URL: props.mediaBaseUrl,
        MAX_UPLOAD_BYTES: String(UPLOAD_MAX_BYTES),
        POST_MAX_BYTES: String(POST_MAX_BYTES),
        LINK_SECONDS: String(Duration.hours(1).toSeconds()),
        ...(queueUrl === undefined ? {} : { QUEUE_URL: queueUrl }),
      },
      logGroup: new logs.LogGroup(this, 'Logs', {
        retention: logs.RetentionDays.ONE_MONTH,
        removalPolicy: RemovalPolicy.DESTROY,
      }),
    });
    const allow = (actions: string[], resources: string[]): void => {
      this.handler.addToRolePolicy(new iam.PolicyStatement({ actions, resources }));
    };
    // Signed links act with this role's permissions: they must cover what the links allow.
    allow(
      ['s3:PutObject', 's3:GetObject', 's3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
      [uploadsBucket.arnForObjects(`${INCOMING_PREFIX}*`)],
    );
    allow(['s3:GetObject'], [mediaBucket.arnForObjects('*/status.json')]);
    // Without the right to list, S3 answers 403 instead of 404 for a status that is not written yet.
    allow(['s3:ListBucket'], [uploadsBucket.bucketArn, mediaBucket.bucketArn]);

    this.api = new apigatewayv2.HttpApi(this, 'Api', {
      createDefaultStage: false,
      ...(access.authorizer === undefined ? {} : { defaultAuthorizer: access.authorizer }),
      ...(props.pageOrigins.length === 0
        ? {}
        : {
            corsPreflight: {
              allowOrigins: [...props.pageOrigins],
              allowMethods: [apigatewayv2.CorsHttpMethod.GET, apigatewayv2.CorsHttpMethod.POST],
              allowHeaders: ['content-type', 'authorization'],
              maxAge: Duration.hours(1),
            },
          }),
    });
    new apigatewayv2.HttpStage(this, 'Stage', {
      httpApi: this.api,
      stageName: '$default',
      autoDeploy: true,
      throttle: THROTTLE,
      accessLogSettings: {
        destination: new apigatewayv2.LogGroupLogDestination(
          new logs.LogGroup(this, 'AccessLogs', {
            retention: logs.RetentionDays.ONE_MONTH,
            removalPolicy: RemovalPolicy.DESTROY,
          }),
        ),
        format: apigateway.AccessLogFormat.custom(
          JSON.stringify({
            time: apigateway.AccessLogField.contextRequestTime(),
            id: apigateway.AccessLogField.contextRequestId(),
            ip: apigateway.AccessLogField.contextIdentitySourceIp(),
            route: '$context.routeKey',
            status: apigateway.AccessLogField.contextStatus(),
            ms: '$context.responseLatency',
          }),
        ),
      },
    });
    const integration = new integrations.HttpLambdaIntegration('Integration', this.handler);
    const route = (path: string, method: apigatewayv2.HttpMethod): void => {
      this.api.addRoutes({ path, methods: [method], integration });
    };
    route('/uploads', POST);
    route('/uploads/{id}/sign', POST);
    if (queueUrl !== undefined) route('/uploads/{id}/complete', POST);
    route('/videos', GET);
    route('/videos/{id}', GET);
  }
}
