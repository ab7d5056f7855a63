"""Lets lines of a program pass that speak to a Spark in its own process: over Spark Connect there is none.

Python runs this at its start. Nothing happens until the program imports PySpark; then what such lines call is put in
place, and each line that is passed over is named once on standard error. What cannot be passed over without changing
what the program does (RDDs, DStreams, other calls into Java) fails, and says why.
"""
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
JAVA_LOGGING = ("org.apache.log4j", "org.apache.logging.log4j")
NO_SPARK_HERE = "needs a Spark in the program's own process, and over Spark Connect there is none"
named = set()


def place():
    """The line of the program that is being run."""
    frame = sys._getframe(1)
    while frame:
        file = frame.f_code.co_filename
        if not file.startswith(HERE) and f"{os.sep}pyspark{os.sep}" not in file and not file.startswith("<frozen"):
            return f"{os.path.basename(file)}:{frame.f_lineno}"
        frame = frame.f_back
    return "?"


def ignored(what, why="the server runs the queries"):
    """Names, once, a line that is passed over."""
    line = (place(), what)
    if line not in named:
        named.add(line)
        print(f"fleuve: ignored: {line[0]}: {what} ({why})", file=sys.stderr)


class AfterImport(importlib.abc.MetaPathFinder):
    """Does something with a module when it has been imported."""

    def __init__(self, actions):
        self.actions = actions

    def find_spec(self, name, path=None, target=None):
        action = self.actions.pop(name, None)
        if action is None:
            return None
        spec = importlib.util.find_spec(name)
        if spec is None or spec.loader is None:
            return spec
        run = spec.loader.exec_module

        def run_and_act(module):
            run(module)
            action(module)

        spec.loader.exec_module = run_and_act
        return spec


def without_master(module):
    """The builder of sessions takes no master; and a session of a context is the one there is."""
    session, builder = module.SparkSession, module.SparkSession.Builder
    config, make = builder.config, session.__new__

    def lenient_config(self, key=None, value=None, conf=None, **more):
        if key == "spark.master":
            ignored(f".config('spark.master', {value!r})")
            return self
        if conf is not None:
            pairs = dict(conf.getAll())
            if "spark.master" in pairs:
                ignored(f"SparkConf with the master {pairs.pop('spark.master')!r}")
            for pair in pairs.items():
                config(self, *pair)
            return self
        if more.get("map") and "spark.master" in more["map"]:
            more["map"] = dict(more["map"])
            ignored(f".config(map=...) with the master {more['map'].pop('spark.master')!r}")
        if more:
            return config(self, **more)
        return config(self, key, value)

    def master(self, master):
        ignored(f".master({master!r})")
        return self

    def of_context(cls, *arguments, **options):
        given = arguments[0] if arguments else options.get("sparkContext")
        if isinstance(given, SparkContext):
            return cls.builder.getOrCreate()
        return make(cls)

    builder.config, builder.master, session.__new__ = lenient_config, master, of_context


def with_context(module):
    """Sessions of Spark Connect have a context, for what little it can do."""
    session = module.SparkSession
    otherwise = session.__getattr__

    def attribute(self, name):
        if name == "sparkContext":
            return SparkContext()
        if name in ("_jvm", "_sc", "_jsc"):
            return getattr(SparkContext(), name)
        return otherwise(self, name)

    session.__getattr__ = attribute


def with_context_class(module):
    module.SparkContext = SparkContext


class Java:
    """The Java that a program reaches for to quieten Spark's log."""

    def __init__(self, path):
        self._path = path

    def __getattr__(self, name):
        return Java(f"{self._path}.{name}" if self._path else name)

    def __call__(self, *arguments):
        if not self._path.startswith(JAVA_LOGGING):
            raise AttributeError(f"{self._path}(...) {NO_SPARK_HERE}")
        ignored(f"{self._path}(...)", "there is no Java that logs")
        return self


class SparkContext:
    """What of a context has a meaning without a Spark in the program's process."""

    def __init__(self, *arguments, **options):
        conf = options.get("conf")
        master = options.get("master", arguments[0] if arguments else conf and conf.get("spark.master", None))
        if master:
            ignored(f"SparkContext with the master {master!r}")

    @classmethod
    def getOrCreate(cls, conf=None):
        return cls(conf=conf)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    @staticmethod
    def _session():
        from pyspark.sql import SparkSession
        return SparkSession.builder.getOrCreate()

    @property
    def version(self):
        return self._session().version

    @property
    def applicationId(self):
        return self._session().session_id

    @property
    def master(self):
        return os.environ.get("SPARK_REMOTE")

    @property
    def appName(self):
        return self._session().conf.get("spark.app.name", "")

    @property
    def uiWebUrl(self):
        return None

    @property
    def _jvm(self):
        return Java("")

    def addPyFile(self, path):
        self._session().addArtifacts(path, pyfile=True)

    def stop(self):
        self._session().stop()

    def __getattr__(self, name):
        if name in QUIET:
            return lambda *arguments, **_: ignored(f"SparkContext.{name}({', '.join(map(repr, arguments))})")
        raise AttributeError(f"SparkContext.{name} {NO_SPARK_HERE}: data frames do what RDDs did")


# What a program says to a context and does as well without.
QUIET = {"setLogLevel", "setLocalProperty", "setJobGroup", "setJobDescription", "setCheckpointDir",
         "setSystemProperty", "addFile", "clearFiles", "addJobTag", "setInterruptOnCancel"}


class NoDStreams(importlib.abc.MetaPathFinder):
    """Says what stands in the place of DStreams, which Spark has given up too."""

    def find_spec(self, name, path=None, target=None):
        if name == "pyspark.streaming":
            raise ImportError(f"{name} (DStreams) {NO_SPARK_HERE}: Structured Streaming (spark.readStream) does it")
        return None


def run_other_sitecustomize():
    """This file stands before one that the machine or the environment has."""
    folders = [folder for folder in sys.path if os.path.abspath(folder or ".") != HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", folders)
    if spec and spec.loader:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


sys.meta_path[:0] = [NoDStreams(), AfterImport({
    "pyspark": with_context_class, "pyspark.sql.session": without_master,
    "pyspark.sql.connect.session": with_context})]
run_other_sitecustomize()
