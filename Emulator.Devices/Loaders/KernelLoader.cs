using System.Buffers.Binary;

namespace Emulator.Devices.Loaders;

/// <summary>Chooses the loader for a <c>-kernel</c> file.</summary>
public static class KernelLoader
{
    private const uint ElfMagic = 0x464C457F;

    /// <summary>Recognises a kernel and prepares it.</summary>
    /// <param name="kernel">The kernel.</param>
    /// <param name="initrd">What <c>-initrd</c> says: for Linux a file, for multiboot <c>FILE [ARGUMENTS][,FILE [ARGUMENTS]]…</c> where
    /// <c>,,</c> stands for a comma; null for none.</param>
    /// <param name="commandLine">What <c>-append</c> says.</param>
    /// <param name="machine">The machine to load into.</param>
    /// <param name="readFile">Reads a file by the name in <paramref name="initrd"/>.</param>
    /// <exception cref="LoaderException">It is no kernel, is damaged, does not fit, or asks for what the machine lacks.</exception>
    public static IBootImage Load(GuestFile kernel, string? initrd, string commandLine, LoaderMachine machine, Func<string, GuestFile> readFile)
    {
        ArgumentNullException.ThrowIfNull(kernel);
        ArgumentNullException.ThrowIfNull(machine);
        ArgumentNullException.ThrowIfNull(readFile);
        if (LinuxLoader.IsLinux(kernel.Data))
        {
            return LinuxLoader.Create(kernel, initrd is null ? null : readFile(initrd), commandLine, machine);
        }

        if (MultibootLoader.FindHeader(kernel.Data) >= 0)
        {
            return MultibootLoader.Create(kernel, MultibootModule.Parse(initrd, readFile), commandLine, machine);
        }

        if (kernel.Data.Length >= 4 && BinaryPrimitives.ReadUInt32LittleEndian(kernel.Data) == ElfMagic)
        {
            throw new LoaderException($"{kernel.Name}: is an ELF file without a multiboot header in its first 8 KiB");
        }

        throw new LoaderException($"{kernel.Name}: is neither a Linux bzImage nor a multiboot kernel");
    }
}
