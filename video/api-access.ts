import { aws_apigatewayv2 as apigatewayv2, aws_apigatewayv2_authorizers as authorizers } from 'aws-cdk-lib';

/** Who may call the upload API. */
export class ApiAccess {
  /** Anyone who knows the address: for a trial, or behind a gate of your own. Throttling still holds. */
  static open(): ApiAccess {
    return new ApiAccess(undefined, true);
  }

  /** Callers that sign with AWS credentials and hold `execute-api:Invoke`. A browser page cannot, so none is deployed. */
  static iam(): ApiAccess {
    return new ApiAccess(new authorizers.HttpIamAuthorizer(), false);
  }

  /** Bearers of a token of an OpenID Connect issuer, for example a Cognito user pool. */
  static jwt(issuerUrl: string, audience: readonly string[]): ApiAccess {
    return new ApiAccess(new authorizers.HttpJwtAuthorizer('Jwt', issuerUrl, { jwtAudience: [...audience] }), true);
  }

  private constructor(
    /** Undefined for open access. */
    readonly authorizer: apigatewayv2.IHttpRouteAuthorizer | undefined,
    /** Whether a page in a browser can call the API. */
    readonly fromBrowser: boolean,
  ) {}
}
