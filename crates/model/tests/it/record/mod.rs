mod garbage;
mod golden;
mod lookup;
mod round_trip;
mod samples;
mod validation;
mod varint;
