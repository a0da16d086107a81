"""Finds the blocks of an environment on a Spark cluster: whole components go out, groups come back.

Needs the extra ``spark`` (pyspark) and a Java runtime. Which cluster is said by Spark's own
configuration; without one, Spark runs on this machine.
"""

from accounts.linkage.columns import Evidence
from accounts.linkage.components import find_piece, pieces, put_together
from accounts.linkage.grades import Grouped

EDGES_IN_A_PIECE = 200_000
"""Some ten megabytes to send; a larger component goes out whole."""


class NoSpark(Exception):
    """What is missing, and how to get it."""


def find_on_spark(evidence: Evidence) -> Grouped:
    """The same as ``find_grouped``. Raises NoSpark where pyspark or Java is missing."""
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise NoSpark('install the extra: pip install "agent-passport-server[spark]"') from None
    try:
        session = SparkSession.builder.appName("agent-passport-linkage").getOrCreate()
    except PySparkException as failure:
        raise NoSpark("Spark needs a Java runtime, 17 or newer; set JAVA_HOME") from failure
    try:
        parts = list(pieces(evidence, edges=EDGES_IN_A_PIECE))
        spread = session.sparkContext.parallelize(parts, max(1, len(parts)))
        return put_together(evidence, spread.map(find_piece).toLocalIterator())
    finally:
        session.stop()
