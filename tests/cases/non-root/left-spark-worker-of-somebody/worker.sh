#!/bin/sh
exec /spark/bin/spark-class org.apache.spark.deploy.worker.Worker $SPARK_MASTER
