# Rules that look at more than one resource, or compare elements of a list. See queue-fleet.guard for the others.
package queue_fleet

import rego.v1

# --- who refers to whom ---------------------------------------------------------------------------------------------

queue(id) if input.resources[id].resourceType == "AWS::SQS::Queue"

fifo(id) if input.resources[id].properties.FifoQueue in [true, "true"]

# Queue `id` names queue `target` as its dead-letter queue.
redrives(id, target) if {
	queue(id)
	some edge in input.edges
	edge.source == id
	edge.target == target
	contains(edge.sourcePath, "RedrivePolicy")
	queue(target)
}

# Bucket `id` (or CDK's notification resource) sends events to queue `target`.
notifies(id, target) if {
	input.resources[id].resourceType in ["AWS::S3::Bucket", "Custom::S3BucketNotifications"]
	some edge in input.edges
	edge.source == id
	edge.target == target
	contains(edge.sourcePath, "NotificationConfiguration")
	queue(target)
}

# Policy `id` is attached to queue `target`.
attached(id, target) if {
	input.resources[id].resourceType == "AWS::SQS::QueuePolicy"
	some edge in input.edges
	edge.source == id
	edge.target == target
	contains(edge.sourcePath, "Queues")
}

as_list(value) := value if is_array(value)

as_list(value) := [value] if not is_array(value)

allows_service(document, service, action) if {
	some statement in as_list(document.Statement)
	statement.Effect == "Allow"
	service in as_list(statement.Principal.Service)
	some allowed in as_list(statement.Action)
	covers(lower(allowed), lower(action))
}

# IAM action patterns; a star is only looked for at the end, where policies have it.
covers(pattern, action) if pattern == action

covers(pattern, action) if {
	endswith(pattern, "*")
	startswith(action, trim_suffix(pattern, "*"))
}

number(value) := value if is_number(value)

number(value) := to_number(value) if is_string(value)

# --- rules ------------------------------------------------------------------------------------------------------------

violation contains make_diag(
	"QF_S3_PRODUCER_NOT_ALLOWED", "ERROR", target,
	sprintf("%s sends its events here, but no policy of this queue lets s3.amazonaws.com send messages", [id]),
) if {
	some id, _ in input.resources
	some target, _ in input.resources
	notifies(id, target)
	not s3_may_send(target)
}

s3_may_send(target) if {
	some id, resource in input.resources
	attached(id, target)
	allows_service(resource.properties.PolicyDocument, "s3.amazonaws.com", "sqs:SendMessage")
}

violation contains make_diag(
	"QF_KEY_FORGETS_S3", "ERROR", key,
	sprintf("queue %s is encrypted with this key and receives S3 events: s3.amazonaws.com needs kms:GenerateDataKey and kms:Decrypt", [target]),
) if {
	some id, _ in input.resources
	some target, _ in input.resources
	notifies(id, target)
	some edge in input.edges
	edge.source == target
	contains(edge.sourcePath, "KmsMasterKeyId")
	key := edge.target
	input.resources[key].resourceType == "AWS::KMS::Key"
	not s3_may_encrypt(input.resources[key].properties.KeyPolicy)
}

s3_may_encrypt(document) if {
	allows_service(document, "s3.amazonaws.com", "kms:GenerateDataKey")
	allows_service(document, "s3.amazonaws.com", "kms:Decrypt")
}

violation contains make_diag(
	"QF_AWS_MANAGED_KEY_WITH_SERVICE", "ERROR", target,
	"alias/aws/sqs cannot be opened to an AWS service: use a customer managed key or SQS-managed encryption",
) if {
	some id, resource in input.resources
	attached(id, target)
	input.resources[target].properties.KmsMasterKeyId == "alias/aws/sqs"
	some statement in as_list(resource.properties.PolicyDocument.Statement)
	statement.Effect == "Allow"
	statement.Principal.Service
}

violation contains make_diag(
	"QF_S3_TO_FIFO", "ERROR", target,
	sprintf("%s cannot send S3 events to a FIFO queue", [id]),
) if {
	some id, _ in input.resources
	some target, _ in input.resources
	notifies(id, target)
	fifo(target)
}

violation contains make_diag(
	"QF_DEAD_LETTER_TYPE", "ERROR", id,
	sprintf("this queue and its dead-letter queue %s must both be FIFO or both be standard", [target]),
) if {
	some id, _ in input.resources
	some target, _ in input.resources
	redrives(id, target)
	not same_type(id, target)
}

same_type(left, right) if {
	fifo(left)
	fifo(right)
}

same_type(left, right) if {
	not fifo(left)
	not fifo(right)
}

# A standard queue's dead letter keeps its age, so it may be gone on arrival.
violation contains make_diag(
	"QF_DEAD_LETTER_RETENTION", "ERROR", target,
	sprintf("retention (%d seconds) must be longer than that of its source %s (%d seconds)", [kept, id, source_kept]),
) if {
	some id, _ in input.resources
	some target, _ in input.resources
	redrives(id, target)
	not fifo(id)
	kept := retention(target)
	source_kept := retention(id)
	kept <= source_kept
}

# SQS keeps messages for 4 days when nothing is said.
retention(id) := number(input.resources[id].properties.MessageRetentionPeriod) if {
	input.resources[id].properties.MessageRetentionPeriod
} else := 345600

violation contains make_diag(
	"QF_DEAD_LETTER_DENIES", "ERROR", target,
	sprintf("%s names this queue as its dead-letter queue, but its redrive allow policy denies all sources", [id]),
) if {
	some id, _ in input.resources
	some target, _ in input.resources
	redrives(id, target)
	input.resources[target].properties.RedriveAllowPolicy.redrivePermission == "denyAll"
}

violation contains make_diag(
	"QF_VISIBILITY_LONGER_THAN_RETENTION", "ERROR", id,
	"VisibilityTimeout must be shorter than MessageRetentionPeriod: a message would expire while it is worked on",
) if {
	some id, resource in input.resources
	queue(id)
	number(resource.properties.VisibilityTimeout) >= retention(id)
}

violation contains make_diag(
	"QF_STEP_GAP", "ERROR", id,
	sprintf("no step covers a breach between %v and %v above the threshold", [upper, next]),
) if {
	some id, resource in input.resources
	resource.resourceType == "AWS::AutoScaling::ScalingPolicy"
	steps := resource.properties.StepAdjustments
	some step in steps
	upper := number(step.MetricIntervalUpperBound)
	following := [lower | some other in steps; lower := number(other.MetricIntervalLowerBound); lower >= upper]
	count(following) > 0
	next := min(following)
	next > upper
}

violation contains make_diag(
	"QF_STEP_OVERLAP", "ERROR", id,
	sprintf("two steps both cover a breach of %v above the threshold", [lower]),
) if {
	some id, resource in input.resources
	resource.resourceType == "AWS::AutoScaling::ScalingPolicy"
	steps := resource.properties.StepAdjustments
	some i, step in steps
	some j, other in steps
	i != j
	lower := number(object.get(other, "MetricIntervalLowerBound", -1000000000))
	lower >= number(object.get(step, "MetricIntervalLowerBound", -1000000000))
	lower < number(object.get(step, "MetricIntervalUpperBound", 1000000000))
}

violation contains make_diag(
	"QF_TWO_RETURN_DATA", "ERROR", id,
	sprintf("exactly one metric must return data, %d do", [returning]),
) if {
	some id, resource in input.resources
	resource.resourceType == "AWS::AutoScaling::ScalingPolicy"
	metrics := resource.properties.TargetTrackingConfiguration.CustomizedMetricSpecification.Metrics
	returning := count([metric | some metric in metrics; object.get(metric, "ReturnData", true) in [true, "true"]])
	returning != 1
}

violation contains make_diag(
	"QF_MIN_ABOVE_MAX", "ERROR", id,
	sprintf("MinSize (%v) must not be above MaxSize (%v)", [least, most]),
) if {
	some id, resource in input.resources
	resource.resourceType == "AWS::AutoScaling::AutoScalingGroup"
	least := number(resource.properties.MinSize)
	most := number(resource.properties.MaxSize)
	least > most
}
