//! The Java exception classes that clients map to exceptions of their own.

/// An exception class of Spark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Exception {
    Analysis,
    NoSuchTable,
    NoSuchNamespace,
    TempTableAlreadyExists,
    TableAlreadyExists,
    ExtendedAnalysis,
    Parse,
    Arithmetic,
    ArrayIndexOutOfBounds,
    DateTime,
    IllegalArgument,
    NumberFormat,
    NoSuchElement,
    FileNotFound,
    Runtime,
    UnsupportedOperation,
    Upgrade,
    Spark,
    StreamingQuery,
    ConcurrentModification,
}

const ANALYSIS: &str = "org.apache.spark.sql.AnalysisException";
const RUNTIME_JAVA: &str = "java.lang.RuntimeException";

impl Exception {
    /// The class and its superclasses, nearest first.
    pub fn hierarchy(self) -> Vec<&'static str> {
        let mut classes = self.own_classes().to_vec();
        classes.extend([
            "java.lang.Exception",
            "java.lang.Throwable",
            "java.lang.Object",
        ]);
        classes
    }

    /// The class itself.
    pub fn class_name(self) -> &'static str {
        self.own_classes()[0]
    }

    fn own_classes(self) -> &'static [&'static str] {
        match self {
            Self::Analysis => &[ANALYSIS],
            Self::ExtendedAnalysis => &[
                "org.apache.spark.sql.catalyst.ExtendedAnalysisException",
                ANALYSIS,
            ],
            Self::NoSuchTable => &[
                "org.apache.spark.sql.catalyst.analysis.NoSuchTableException",
                ANALYSIS,
            ],
            Self::NoSuchNamespace => &[
                "org.apache.spark.sql.catalyst.analysis.NoSuchNamespaceException",
                ANALYSIS,
            ],
            Self::TempTableAlreadyExists => &[
                "org.apache.spark.sql.catalyst.analysis.TempTableAlreadyExistsException",
                "org.apache.spark.sql.catalyst.analysis.TableAlreadyExistsException",
                ANALYSIS,
            ],
            Self::TableAlreadyExists => &[
                "org.apache.spark.sql.catalyst.analysis.TableAlreadyExistsException",
                ANALYSIS,
            ],
            Self::Parse => &[
                "org.apache.spark.sql.catalyst.parser.ParseException",
                ANALYSIS,
            ],
            Self::Arithmetic => &[
                "org.apache.spark.SparkArithmeticException",
                "java.lang.ArithmeticException",
                RUNTIME_JAVA,
            ],
            Self::ArrayIndexOutOfBounds => &[
                "org.apache.spark.SparkArrayIndexOutOfBoundsException",
                "java.lang.ArrayIndexOutOfBoundsException",
                "java.lang.IndexOutOfBoundsException",
                RUNTIME_JAVA,
            ],
            Self::DateTime => &[
                "org.apache.spark.SparkDateTimeException",
                "java.time.DateTimeException",
                RUNTIME_JAVA,
            ],
            Self::IllegalArgument => &[
                "org.apache.spark.SparkIllegalArgumentException",
                "java.lang.IllegalArgumentException",
                RUNTIME_JAVA,
            ],
            Self::NumberFormat => &[
                "org.apache.spark.SparkNumberFormatException",
                "java.lang.NumberFormatException",
                "java.lang.IllegalArgumentException",
                RUNTIME_JAVA,
            ],
            Self::NoSuchElement => &[
                "org.apache.spark.SparkNoSuchElementException",
                "java.util.NoSuchElementException",
                RUNTIME_JAVA,
            ],
            Self::FileNotFound => &[
                "org.apache.spark.SparkFileNotFoundException",
                "java.io.FileNotFoundException",
                "java.io.IOException",
            ],
            Self::Runtime => &["org.apache.spark.SparkRuntimeException", RUNTIME_JAVA],
            Self::UnsupportedOperation => &[
                "org.apache.spark.SparkUnsupportedOperationException",
                "java.lang.UnsupportedOperationException",
                RUNTIME_JAVA,
            ],
            Self::Upgrade => &["org.apache.spark.SparkUpgradeException", RUNTIME_JAVA],
            Self::Spark => &["org.apache.spark.SparkException"],
            Self::StreamingQuery => &["org.apache.spark.sql.streaming.StreamingQueryException"],
            Self::ConcurrentModification => &[
                "org.apache.spark.SparkConcurrentModificationException",
                "java.util.ConcurrentModificationException",
                RUNTIME_JAVA,
            ],
        }
    }
}
