topics = {"in": 1}
steps = [[("in", 0, None, text, 1_375_340_400_123) for text in
          ("2013-08-01T08:14:37.000", "2016-02-29T23:59:59.999", "2015-12-31 00:00:00", "not a time")]]


def stream(spark, kafka, folder):
    times = kafka().selectExpr("cast(value as string) as text", "timestamp",
                               "try_to_timestamp(cast(value as string)) as at")
    return times.selectExpr("text", "timestamp", "at", "year(at) as y", "month(at) as m", "dayofmonth(at) as d",
                            "hour(at) as h", "date_format(at, 'EEEE HH:mm') as shown", "to_date(at) as day",
                            "unix_timestamp(at) as seconds", "date_trunc('HOUR', at) as hour_of_day")
