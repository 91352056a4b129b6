//! A plain Zig project that got the package by `zig fetch --save`. The step `zig-package` copies it out
//! of the tree and adds a build.zig.zon.

const std = @import("std");

pub fn build(b: *std.Build) void {
    const target = b.standardTargetOptions(.{});
    const optimize = b.standardOptimizeOption(.{});
    const zigflow = b.dependency("zigflow", .{ .target = target, .optimize = optimize });
    const exe = b.addExecutable(.{
        .name = "consumer",
        .root_module = b.createModule(.{
            .root_source_file = b.path("main.zig"),
            .target = target,
            .optimize = optimize,
            .imports = &.{.{ .name = "zigflow", .module = zigflow.module("zigflow") }},
        }),
    });
    b.step("run", "Run it").dependOn(&b.addRunArtifact(exe).step);
}
