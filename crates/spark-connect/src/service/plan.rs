//! Plans as requests carry them, compressed or not.

use bytes::Bytes;
use prost::Message;

use crate::failure::Failure;
use crate::messages::plan::{OpType, compressed_operation};
use crate::messages::{self, CompressionCodec, Plan};

/// The operation of a plan, decompressed if need be. A plan that unfolds to more than `bytes_max` is refused.
pub(super) fn operation(plan: Option<Plan>, bytes_max: usize) -> Result<OpType, Failure> {
    let not_set = || Failure::not_set("spark.connect.Plan", "op_type");
    match plan.and_then(|plan| plan.op_type).ok_or_else(not_set)? {
        OpType::CompressedOperation(compressed) => {
            let data = decompress(&compressed, bytes_max)?;
            match compressed_operation::OpType::try_from(compressed.op_type) {
                Ok(compressed_operation::OpType::Relation) => Ok(OpType::Root(
                    messages::Relation::decode(data)
                        .map_err(cannot_parse)?
                        .into(),
                )),
                Ok(compressed_operation::OpType::Command) => Ok(OpType::Command(
                    messages::Command::decode(data).map_err(cannot_parse)?,
                )),
                _ => Err(Failure::invalid_enum(
                    "spark.connect.Plan.CompressedOperation.OpType",
                    compressed.op_type,
                )),
            }
        }
        plain => Ok(plain),
    }
}

/// The relation of a plan that must have one.
pub(super) fn root(plan: Option<Plan>, bytes_max: usize) -> Result<messages::Relation, Failure> {
    match operation(plan, bytes_max)? {
        OpType::Root(relation) => Ok(relation.into_inner()),
        _ => Err(Failure::not_set("spark.connect.Plan", "root")),
    }
}

fn decompress(
    compressed: &messages::plan::CompressedOperation,
    bytes_max: usize,
) -> Result<Bytes, Failure> {
    if CompressionCodec::try_from(compressed.compression_codec) != Ok(CompressionCodec::Zstd) {
        return Err(Failure::invalid_enum(
            "spark.connect.CompressionCodec",
            compressed.compression_codec,
        ));
    }
    let mut decoder = zstd::Decoder::new(compressed.data.as_ref()).map_err(cannot_parse)?;
    let mut data = Vec::new();
    let mut limited = std::io::Read::take(&mut decoder, bytes_max as u64 + 1);
    std::io::Read::read_to_end(&mut limited, &mut data).map_err(cannot_parse)?;
    if data.len() > bytes_max {
        let max = bytes_max.to_string();
        return Err(Failure::of(
            "CONNECT_INVALID_PLAN.PLAN_SIZE_LARGER_THAN_MAX",
            &[("planSize", "unknown"), ("maxPlanSize", &max)],
        ));
    }
    Ok(data.into())
}

fn cannot_parse(error: impl std::fmt::Display) -> Failure {
    Failure::of(
        "CONNECT_INVALID_PLAN.CANNOT_PARSE",
        &[("errorMsg", &error.to_string())],
    )
}
