//! The Zig half of the waker cell, for the models to call. The cell's memory is Rust's or Zig's alike.

const zigflow = @import("zigflow");

const Cell = zigflow.WakerCell;

comptime {
    if (@sizeOf(Cell) != @sizeOf(zigflow.abi.RawWakerCell)) @compileError("a cell is its words");
}

export fn model_register(cell: *Cell, waker: *const zigflow.abi.RawWaker) void {
    const cx: zigflow.Context = .{ .waker = .{ .raw = waker.* } };
    cell.register(&cx);
}

export fn model_wake(cell: *Cell) void {
    cell.wake();
}

export fn model_close(cell: *Cell) void {
    cell.close();
}
