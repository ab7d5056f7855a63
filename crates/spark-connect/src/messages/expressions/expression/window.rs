//! The frames of window functions.

use super::*;

#[derive(Clone, PartialEq, prost::Message)]
pub struct WindowFrame {
    #[prost(enumeration = "expression::window::window_frame::FrameType", tag = "1")]
    pub frame_type: i32,
    #[prost(message, optional, tag = "2")]
    pub lower: Option<expression::window::window_frame::FrameBoundary>,
    #[prost(message, optional, tag = "3")]
    pub upper: Option<expression::window::window_frame::FrameBoundary>,
}

pub mod window_frame {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
    #[repr(i32)]
    pub enum FrameType {
        Undefined = 0,
        Row = 1,
        Range = 2,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct FrameBoundary {
        #[prost(oneof = "frame_boundary::Boundary", tags = "1, 2, 3")]
        pub boundary: Option<frame_boundary::Boundary>,
    }

    pub mod frame_boundary {
        use super::*;

        #[derive(Clone, PartialEq, prost::Oneof)]
        pub enum Boundary {
            #[prost(bool, tag = "1")]
            CurrentRow(bool),
            #[prost(bool, tag = "2")]
            Unbounded(bool),
            #[prost(message, tag = "3")]
            Value(Nested<Expression>),
        }
    }
}
