//! The Zig package `zigflow`, for plain Zig projects:
//!
//!     const zigflow = b.dependency("zigflow", .{ .target = target, .optimize = optimize });
//!     exe.root_module.addImport("zigflow", zigflow.module("zigflow"));
//!
//! Option `prefix`: what the symbols of sources start with, different for each archive of one program.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const prefix = b.option([]const u8, "prefix", "what the symbols of sources start with") orelse "zf1";

    const config = b.addOptions();
    config.addOption([]const u8, "prefix", prefix);
    config.addOption(bool, "model", false);

    const zigflow = b.addModule("zigflow", .{
        .root_source_file = b.path("src/zigflow.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
    });
    zigflow.addOptions("zigflow_config", config);

    const tests = b.addTest(.{ .root_module = b.createModule(.{
        .root_source_file = b.path("tests.zig"),
        .target = target,
        .optimize = optimize,
        .link_libc = true,
    }) });
    tests.root_module.addOptions("zigflow_config", config);
    b.step("test", "Runs the tests of the package, with a host in Zig in Rust's place")
        .dependOn(&b.addRunArtifact(tests).step);
}
