//! `type Name;` in `autozig!`: values of Zig's that Rust owns.
#![forbid(unsafe_code)]

use std::thread;
use zigflow::ZigError;

zigflow::autozig! {
    const std = @import("std");
    const zigflow = @import("zigflow");

    var alive: std.atomic.Value(u32) = .init(0);

    fn countAlive() u32 {
        return alive.load(.seq_cst);
    }

    /// Comes by value.
    const Counter = struct {
        count: u64,
        step: u32,

        pub const sendable = true;

        pub fn new(step: u32) Counter {
            _ = alive.fetchAdd(1, .seq_cst);
            return .{ .count = 0, .step = step };
        }

        pub fn parse(text: []const u8) !Counter {
            return new(try std.fmt.parseInt(u32, text, 10));
        }

        pub fn nonZero(step: u32) ?Counter {
            return if (step == 0) null else new(step);
        }

        pub fn perhaps(text: []const u8) !?Counter {
            return if (text.len == 0) null else try parse(text);
        }

        pub fn next(self: *Counter) u64 {
            self.count += self.step;
            return self.count;
        }

        pub fn current(self: *const Counter) u64 {
            return self.count;
        }

        pub fn addAll(self: *Counter, numbers: []const u32) !void {
            for (numbers) |n| {
                if (n == 0) return error.Zero;
                self.count += n;
            }
        }

        pub fn deinit(self: *Counter) void {
            _ = alive.fetchSub(1, .seq_cst);
            self.* = undefined;
        }
    };

    fn isAhead(a: *const Counter, b: *const Counter) bool {
        return a.count > b.count;
    }

    /// Comes as a pointer, as the seed's does.
    const Node = struct {
        value: u32,

        pub fn destroy(self: *Node) void {
            _ = alive.fetchSub(1, .seq_cst);
            zigflow.allocator.destroy(self);
        }
    };

    export fn node_new(value: u32) ?*Node {
        if (value == 0) return null;
        const node = zigflow.allocator.create(Node) catch return null;
        node.* = .{ .value = value };
        _ = alive.fetchAdd(1, .seq_cst);
        return node;
    }

    export fn node_value(node: *const Node) u32 {
        return node.value;
    }
    ---
    fn count_alive() -> u32;

    /// Counts in steps.
    type Counter: Send;

    impl Counter {
        fn new(step: u32) -> Counter;
        fn parse(text: &str) -> Result<Self, ZigError>;
        fn non_zero(step: u32) -> Option<Self>;
        fn perhaps(text: &str) -> Result<Option<Self>, ZigError>;
        fn next(&mut self) -> u64;
        fn current(&self) -> u64;
        fn add_all(&mut self, numbers: &[u32]) -> Result<(), ZigError>;
    }

    fn is_ahead(a: &Counter, b: &Counter) -> bool;

    type Node;

    fn node_new(value: u32) -> Option<Node>;
    fn node_value(node: &Node) -> u32;
}

/// All of it in one test: the count of what lives is the process's.
#[test]
fn values_of_zig_live_as_long_as_their_handles() {
    let mut counter = Counter::new(3);
    assert_eq!((counter.next(), counter.next(), counter.current()), (3, 6, 6));
    assert_eq!(counter.add_all(&[1, 2]), Ok(()));
    assert_eq!(counter.add_all(&[1, 0, 2]), Err(ZigError::new("Zero")));
    assert_eq!(counter.current(), 10);
    assert_eq!(format!("{counter:?}"), "Counter { .. }");

    let other = Counter::parse("5").unwrap();
    assert!(is_ahead(&counter, &other) && !is_ahead(&other, &counter));
    assert_eq!(Counter::parse("x").unwrap_err().name(), "InvalidCharacter");
    assert!(Counter::non_zero(0).is_none());
    assert!(matches!(Counter::perhaps(""), Ok(None)));
    assert!(Counter::perhaps("y").is_err());
    let third = (Counter::non_zero(1), Counter::perhaps("7").unwrap());
    assert_eq!(count_alive(), 4);

    let there = thread::spawn(move || counter.next()).join();
    assert_eq!(there.unwrap(), 13);
    assert_eq!(count_alive(), 3);
    drop((other, third));
    assert_eq!(count_alive(), 0);

    let node = node_new(7).unwrap();
    assert!(node_new(0).is_none());
    assert_eq!((node_value(&node), count_alive()), (7, 1));
    drop(node);
    assert_eq!(count_alive(), 0);
}
