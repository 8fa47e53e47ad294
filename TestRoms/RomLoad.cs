namespace TestRoms;

/// <summary>How an image gets into the machine.</summary>
public enum RomLoad
{
    /// <summary>A multiboot 1 image, loaded as QEMU's and our <c>-kernel</c> does: started in 32-bit protected mode at its entry point.</summary>
    Kernel,

    /// <summary>A BIOS image, placed at <see cref="Rom.Address"/> and at the top of 4 GiB; the CPU starts at the reset vector.</summary>
    Rom,
}
