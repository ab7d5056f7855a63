"""Stands for `findspark` in a program that is run leniently: PySpark is found already, there is nothing to look for."""
import os
import sys


def find():
    import pyspark
    return os.path.dirname(pyspark.__file__)


def init(*_, **__):
    sys.modules["sitecustomize"].ignored("findspark.init()", "PySpark is found without it")
