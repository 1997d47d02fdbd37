"""Brings the schema up to date, as a CloudFormation custom resource or called by hand."""

from aws_lambda_powertools import Logger

from maitred.entrypoints.migrate import SchemaResource

logger = Logger()
handler = logger.inject_lambda_context(SchemaResource(logger).handle)
