topics = {"in": 1}
steps = [[("in", 0, str(n), f"trip {n}") for n in range(5)], [("in", 0, "2", "trip again")]]


def stream(spark, kafka, folder):
    zones = spark.createDataFrame([("1", "Newark"), ("2", "Queens"), ("2", "Jamaica Bay")], "id string, zone string")
    trips = kafka().selectExpr("cast(key as string) as id", "cast(value as string) as trip")
    return trips.join(zones, "id", "left")
