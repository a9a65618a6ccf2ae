// The template validation of aws-cdk-lib costs seconds in each process; one suite turns it on again for itself.
process.env['CDK_VALIDATION'] ??= 'false';
// No test may reach an account by accident.
process.env['AWS_EC2_METADATA_DISABLED'] = 'true';
