"""Prints tweets as JSON, one a line: `python tweet_generator.py [how many] [seed]`.

They stand in for Twitter's free stream, which is gone; nobody wrote them. The same seed gives the same tweets.
"""

import json
import random
import sys

WORDS = "the river reaches the sea after a long way through fields and towns and nobody hurries".split()
LANGUAGES = ["en", "fr", "pt", "ja", "es"]
FIRST_MILLIS = 1_520_287_448_000


def tweets(count, seed):
    chance = random.Random(seed)
    for number in range(count):
        yield {"id": 970_000_000_000_000_000 + number,
               "createdAt": FIRST_MILLIS + 250 * number,
               "text": " ".join(chance.choices(WORDS, k=8)),
               "lang": chance.choice(LANGUAGES),
               "retweetCount": chance.randrange(50),
               "user": {"name": f"user{chance.randrange(40)}",
                        "friendsCount": chance.randrange(1000),
                        "followersCount": chance.randrange(5000)}}


if __name__ == "__main__":
    arguments = [int(argument) for argument in sys.argv[1:]]
    for tweet in tweets(arguments[0] if arguments else 100, arguments[1] if arguments[1:] else 1):
        print(json.dumps(tweet))
