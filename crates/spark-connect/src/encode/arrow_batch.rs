//! Record batches as the protocol carries them: each a whole Arrow IPC stream, cut into chunks where the client allows.
//!
//! Always true: an encoded batch is at most [`BatchLimits::batch_bytes_max`] unless it is a single row; offsets count
//! rows of the whole result.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use bytes::Bytes;

use crate::messages::execute_plan_response::ArrowBatch;

#[derive(Clone, Copy, Debug)]
pub(crate) struct BatchLimits {
    pub(crate) batch_bytes_max: usize,
    pub(crate) rows_max: usize,
    /// None if the client does not take chunks.
    pub(crate) chunk_bytes_max: Option<usize>,
}

/// The messages for `batch`, whose first row is row `start_offset` of the result. An empty batch is one message.
pub(crate) fn arrow_batches(
    batch: &RecordBatch,
    start_offset: i64,
    limits: BatchLimits,
) -> Result<Vec<ArrowBatch>, ArrowError> {
    let mut messages = Vec::new();
    let rows_max = limits.rows_max.max(1);
    let mut row = 0;
    loop {
        let rows = (batch.num_rows() - row).min(rows_max);
        encode_rows(
            &batch.slice(row, rows),
            start_offset + row as i64,
            limits,
            &mut messages,
        )?;
        row += rows;
        if row >= batch.num_rows() {
            return Ok(messages);
        }
    }
}

fn encode_rows(
    batch: &RecordBatch,
    start_offset: i64,
    limits: BatchLimits,
    messages: &mut Vec<ArrowBatch>,
) -> Result<(), ArrowError> {
    let data = ipc_stream(batch)?;
    if data.len() > limits.batch_bytes_max && batch.num_rows() > 1 {
        let half = batch.num_rows() / 2;
        encode_rows(&batch.slice(0, half), start_offset, limits, messages)?;
        let rest = batch.slice(half, batch.num_rows() - half);
        return encode_rows(&rest, start_offset + half as i64, limits, messages);
    }
    let chunk_bytes = limits.chunk_bytes_max.unwrap_or(usize::MAX).max(1);
    let chunks = data.len().div_ceil(chunk_bytes).max(1);
    for index in 0..chunks {
        let start = index * chunk_bytes;
        messages.push(ArrowBatch {
            row_count: batch.num_rows() as i64,
            data: data.slice(start..data.len().min(start.saturating_add(chunk_bytes))),
            start_offset: Some(start_offset),
            chunk_index: Some(index as i64),
            num_chunks_in_batch: Some(chunks as i64),
        });
    }
    Ok(())
}

fn ipc_stream(batch: &RecordBatch) -> Result<Bytes, ArrowError> {
    let mut writer = StreamWriter::try_new(Vec::new(), &batch.schema())?;
    writer.write(batch)?;
    writer.into_inner().map(Bytes::from)
}
