namespace Emulator.Benchmarks.Disks;

/// <summary>A way to make an image.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Format">Format for both programs.</param>
/// <param name="Creator">qemu-img or emu.</param>
/// <param name="Options">What the creator's command takes beside format, file and size.</param>
internal sealed record ImageKind(string Name, string Format, string Creator, params string[] Options)
{
    /// <summary>Every kind that can be written.</summary>
    public static IReadOnlyList<ImageKind> All { get; } =
    [
        new("raw", "raw", "emu"),
        new("qcow2", "qcow2", "emu"),
        new("qcow2-v2", "qcow2", "qemu-img", "-o", "compat=0.10"),
        new("qcow2-v3", "qcow2", "qemu-img", "-o", "compat=1.1"),
        new("qcow2-4k", "qcow2", "qemu-img", "-o", "cluster_size=4096,refcount_bits=8"),
        new("qcow2-overlay", "qcow2", "qemu-img"),
        new("qcow2-clone", "qcow2", "emu"),
        new("vmdk", "vmdk", "emu"),
        new("vmdk-sparse", "vmdk", "qemu-img", "-o", "subformat=monolithicSparse"),
        new("vmdk-flat", "vmdk", "qemu-img", "-o", "subformat=monolithicFlat"),
        new("vpc", "vpc", "emu"),
        new("vpc-dynamic", "vpc", "qemu-img", "-o", "subformat=dynamic"),
        new("vpc-fixed", "vpc", "qemu-img", "-o", "subformat=fixed"),
    ];

    /// <summary>Whether it lies over another image, which holds what was not written.</summary>
    public bool HasBacking => Name is "qcow2-overlay" or "qcow2-clone";
}
