namespace TestRoms;

/// <summary>One guest program of the catalog: what it is, how it is run, and what a correct machine makes of it.</summary>
/// <param name="Name">The name by which the ROM is run: lower case, unique.</param>
/// <param name="File">The image, relative to the folder <c>TestRoms</c>.</param>
/// <param name="Load">How the image gets into the machine.</param>
/// <param name="Address">Physical address of the first byte. For <see cref="RomLoad.Kernel"/> it repeats what the multiboot header says.</param>
/// <param name="MemoryMiB">RAM of the machine in MiB.</param>
/// <param name="Cpu">CPU model, as the option <c>-cpu</c> spells it.</param>
/// <param name="Arguments">Further command-line options of the run, such as devices.</param>
/// <param name="ExpectExit">
/// Exit status of the run: <c>(v &lt;&lt; 1) | 1</c> where v is what the guest writes to isa-debug-exit at port 0xF4. 33 is success, 35 a failed check.
/// </param>
/// <param name="ExpectOutput">What the guest writes to port 0xE9, line by line, without line ends.</param>
/// <param name="MaxInstructions">A limit of retired instructions that a correct run stays well below.</param>
/// <param name="References">The reference emulators on which the ROM passes: <c>qemu</c> (7.2, TCG) and <c>bochs</c> (2.7).</param>
/// <param name="Resets">Whether the guest resets the machine on its way; elsewhere a reset is a failure.</param>
/// <param name="Description">What is tested, in one or two sentences.</param>
public sealed record Rom(
    string Name,
    string File,
    RomLoad Load,
    uint Address,
    int MemoryMiB,
    string Cpu,
    IReadOnlyList<string> Arguments,
    int ExpectExit,
    IReadOnlyList<string> ExpectOutput,
    long MaxInstructions,
    IReadOnlyList<string> References,
    bool Resets,
    string Description)
{
    /// <summary>Returns the name, so that a test runner shows it.</summary>
    public override string ToString() => Name;
}
