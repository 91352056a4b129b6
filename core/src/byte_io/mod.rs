//! Bytes as a reader and a writer, over chunks that change hands: what comes as buffers is read in place, what is
//! written goes into blocks of a pool and on as buffers.
//!
//! ```text
//!   ZigStream<ZeroCopyBuffer> ┐                                        spsc::Sender<ZeroCopyBuffer>
//!   spsc::Receiver<…>         ├─▶ ByteReader: AsyncBufRead      ByteWriter: AsyncWrite ──▶ └─▶ Zig, or another task
//!   any stream of chunks      ┘                                      ▲
//!                                                                  Pool
//! ```
//!
//! In Zig the other ends are `zigflow.ByteReader` and `zigflow.ByteWriter`, a `std.Io.Reader` and a `std.Io.Writer`. Between
//! a writer and a reader there is one copy, that into the block; [`ByteWriter::reserve`] lends the block itself, and then
//! there is none.

mod reader;
mod writer;

pub use reader::ByteReader;
pub use writer::ByteWriter;
