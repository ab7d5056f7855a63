topics = {"in": 1}
steps = [[("in", 0, b"\x00\xff", b"\xfe\x00abc"), ("in", 0, "text", "é"), ("in", 0, None, b"")]]


def stream(spark, kafka, folder):
    return kafka().selectExpr("key", "hex(value) as hex", "base64(value) as base64", "md5(value) as md5",
                              "sha2(value, 256) as sha", "crc32(value) as crc", "length(key) as n")
