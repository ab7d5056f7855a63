topics = {"in": 1}
steps = [[("in", 0, None, text) for text in ("user=ann id=17", "user=bob", "id=x9", "", "  User=Zoë   id=5 ")]]


def stream(spark, kafka, folder):
    text = kafka().selectExpr("cast(value as string) as text")
    return text.selectExpr("text", "regexp_extract(text, 'user=(\\\\w+)', 1) as user",
                           "try_cast(regexp_extract(text, 'id=(\\\\d+)', 1) as int) as id", "split(text, ' ') as words",
                           "coalesce(nullif(trim(text), ''), 'none') as shown", "initcap(text) as title",
                           "case when text like 'user%' then 'user' when length(text) = 0 then 'empty' else 'other' end "
                           "as kind")
