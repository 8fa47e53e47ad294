using Emulator.Core.Cpu;

namespace Emulator.Devices.Loaders;

/// <summary>
/// A program that starts without firmware: checked against the machine when it is created, and put into memory with the CPU at its
/// entry point after every reset.
/// </summary>
public interface IBootImage
{
    /// <summary>What it is, for messages: "Linux 6.1.0", "multiboot kernel".</summary>
    string Description { get; }

    /// <summary>Writes memory and sets the CPU to the entry point. The machine has just been reset.</summary>
    /// <param name="cpu">The CPU, whose memory has the size for which the image was checked.</param>
    void Install(CpuCore cpu);
}
