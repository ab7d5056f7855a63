// The taxi trips' batch program in untyped Scala over Spark Connect: JSON trips into a topic, a topic into parquet files.
// Arguments: address of Spark Connect, bootstrap servers, topic, folder with `trips.jsonl`.

import org.apache.spark.sql.SparkSession
import org.apache.spark.sql.functions.{col, count, from_json, lit, max}

object Trips {
  def main(arguments: Array[String]): Unit = {
    val Array(remote, brokers, topic, folder) = arguments
    val spark = SparkSession.builder().remote(remote).getOrCreate()
    val taxiDF = spark.read.json(s"$folder/trips.jsonl")
    taxiDF.show(2)
    taxiDF
      .selectExpr("CAST(vendorid AS STRING) as key", "to_json(struct(*)) AS value")
      .write
      .format("kafka")
      .option("kafka.bootstrap.servers", brokers)
      .option("topic", topic)
      .save()
    val log = spark.read
      .format("kafka")
      .option("kafka.bootstrap.servers", brokers)
      .option("subscribe", topic)
      .option("startingOffsets", "earliest")
      .load()
    log
      .select(from_json(col("value").cast("string"), taxiDF.schema).alias("trip"))
      .write
      .format("parquet")
      .option("path", s"$folder/scala-trips")
      .option("checkpointLocation", s"$folder/scala-checkpoint")
      .save()
    val trips = spark.read.parquet(s"$folder/scala-trips").select("trip.*")
    val row = trips.agg(count(lit(1)).alias("trips"), max("total_amount").alias("most")).collect().head
    println(s"trips=${row.getLong(0)} most=${row.getString(1)} same=${trips.schema == taxiDF.schema}")
    spark.stop()
  }
}
