using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Snapshot;
using Emulator.Tests.Firmware;
using Emulator.Tests.Loaders;
using NUnit.Framework;

namespace Emulator.Tests.Boot;

/// <summary>-kernel and -option-rom with the built-in firmware and with SeaBIOS from Debian's package; without the package, the latter are skipped.</summary>
[Category("Boot")]
internal sealed unsafe class KernelByFirmwareTests
{
    private const string SeaBios = "/usr/share/seabios/bios-256k.bin";
    private const long Most = 30_000_000;
    private const int InitrdSize = 17 << 20;
    private const string CommandLine = "console=ttyS0 quiet";

    [TestCase(false)]
    [TestCase(true)]
    public void Setup_code_starts_with_all_parts_in_place(bool seaBios)
    {
        byte[] initrd = new byte[InitrdSize];
        new Random(1).NextBytes(initrd);
        byte[] kernel = Kernel();
        PcMachine machine = Create(new BootFiles
        {
            Firmware = Firmware(seaBios),
            KernelByBuiltInFirmware = !seaBios,
            Kernel = new GuestFile("vmlinuz", kernel),
            Initrd = "initrd",
            InitrdFiles = [new GuestFile("initrd", initrd)],
            CommandLine = CommandLine,
        });
        machine = RunThroughSavedState(machine);
        CpuState* s = machine.Cpu.State;
        ushort segment = CpuState.Segment(s, SegmentIndex.Ds)->Selector;
        uint setup = (uint)segment << 4;
        Assert.That(s->Eip, Is.EqualTo(0x6E));
        Assert.That((CpuState.Segment(s, SegmentIndex.Cs)->Selector, CpuState.Segment(s, SegmentIndex.Ss)->Selector), Is.EqualTo(((ushort)(segment + 0x20), segment)));
        uint address = machine.Memory.Read<uint>(setup + 0x218);
        uint line = machine.Memory.Read<uint>(setup + 0x228);
        Assert.That(machine.Memory.Read<uint>(setup + 0x21C), Is.EqualTo(InitrdSize));
        Assert.That(Bytes(machine, address, InitrdSize).AsSpan().SequenceEqual(initrd), "initrd");
        Assert.That(Encoding.ASCII.GetString(Bytes(machine, line, CommandLine.Length + 1)), Is.EqualTo(CommandLine + "\0"));
        Assert.That(Bytes(machine, KernelImages.Address, 8), Is.EqualTo(kernel[KernelImages.LinuxSetupSize..][..8]));
        Assert.That(machine.BootDescription, Does.StartWith("Linux"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public void Option_rom_is_initialized_and_entered(bool seaBios)
    {
        // PUSH AX; MOV AL, letter; OUT E9h, AL; POP AX; the initialization says that there is something to boot
        byte[] initialize = [0xB0, (byte)'1', 0xE6, 0xE9, 0xB8, 0x20, 0x00, 0xCB];
        byte[] boot = [0xB0, (byte)'x', 0xE6, 0xE9, 0xFA, 0xF4];
        PcMachine machine = Create(new BootFiles { Firmware = Firmware(seaBios), OptionRoms = [new GuestFile("some.rom", OptionRomImage.Create(initialize, [], boot, "Some"u8))] });
        StringBuilder console = new();
        machine.DebugPorts.Console = b => console.Append((char)b);
        Assert.That(machine.Run(Most).Reason, Is.EqualTo(RunReason.Halted));
        Assert.That(console.ToString(), Is.EqualTo("1x"));
    }

    [Test]
    public void Multiboot_kernel_is_refused()
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = 32 << 20 });
        BootFiles files = new() { KernelByBuiltInFirmware = true, Kernel = new GuestFile("kernel", KernelImages.MultibootFlat([0xF4])) };
        Assert.That(() => machine.Attach(files), Throws.TypeOf<LoaderException>().With.Message.Contains("Linux kernels only"));
    }

    /// <summary>A kernel whose setup code halts at once.</summary>
    private static byte[] Kernel()
    {
        byte[] kernel = KernelImages.Linux([1, 2, 3, 4, 5, 6, 7, 8]);
        (kernel[0x26C], kernel[0x26D]) = (0xFA, 0xF4);
        return kernel;
    }

    private static GuestFile? Firmware(bool seaBios)
    {
        if (seaBios && !File.Exists(SeaBios))
        {
            Assert.Ignore($"{SeaBios} is not there: install the package seabios");
        }

        return seaBios ? GuestFile.Read(SeaBios, RomImage.MaximumLength) : null;
    }

    private static PcMachine Create(BootFiles files)
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = 64 << 20 });
        machine.Attach(files);
        return machine;
    }

    private static PcMachine RunThroughSavedState(PcMachine machine)
    {
        string path = Path.Combine(Path.GetTempPath(), $"emu-kernel-{Guid.NewGuid():N}.state");
        try
        {
            machine.Run(60);
            MachineSnapshot.Save(machine, path);
            machine = MachineSnapshot.Load(path, c => c);
        }
        finally
        {
            File.Delete(path);
        }

        Assert.That(machine.Run(Most).Reason, Is.EqualTo(RunReason.Halted));
        return machine;
    }

    private static byte[] Bytes(PcMachine machine, uint address, int length)
    {
        byte[] bytes = new byte[length];
        machine.Memory.ReadBlock(address, bytes);
        return bytes;
    }
}
