using System.Text;
using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using NUnit.Framework;

namespace Emulator.Tests.Loaders;

internal sealed unsafe class LinuxLoaderTests
{
    private const uint Parameters = 0x10000;
    private static readonly byte[] Code = [0xFA, 0xF4];

    [Test]
    public void Kernel_starts_in_flat_protected_mode_with_its_parameters()
    {
        PcMachine machine = Boot(KernelImages.Linux(Code), 64, "console=ttyS0", [1, 2, 3]);
        CpuState* s = machine.Cpu.State;
        Assert.Multiple(() =>
        {
            Assert.That(s->Eip, Is.EqualTo(KernelImages.Address));
            Assert.That(CpuState.R32(s, 6), Is.EqualTo(Parameters));
            Assert.That(CpuState.R32(s, 3) | CpuState.R32(s, 5) | CpuState.R32(s, 7), Is.Zero);
            Assert.That(s->Cr0 & (Cr0.PE | Cr0.PG), Is.EqualTo(Cr0.PE));
            Assert.That(s->EflagsRest & Eflags.IF, Is.Zero);
            Assert.That(CpuState.Segment(s, SegmentIndex.Cs)->Selector, Is.EqualTo(0x10));
            Assert.That(CpuState.Segment(s, SegmentIndex.Ss)->Selector, Is.EqualTo(0x18));
            Assert.That(machine.Memory.Read<byte>(KernelImages.Address), Is.EqualTo(0xFA));
            Assert.That(machine.BootDescription, Is.EqualTo("Linux 6.1.0-test"));
        });
    }

    [Test]
    public void Parameters_hold_header_command_line_initrd_and_memory_map()
    {
        byte[] initrd = [.. Enumerable.Range(0, 10_000).Select(i => (byte)i)];
        PcMachine machine = Boot(KernelImages.Linux(Code), 64, "console=ttyS0 quiet", initrd);
        uint line = Read32(machine, 0x228);
        uint start = Read32(machine, 0x218);
        byte[] text = new byte[20];
        byte[] loaded = new byte[initrd.Length];
        machine.Memory.ReadBlock(line, text);
        machine.Memory.ReadBlock(start, loaded);
        Assert.Multiple(() =>
        {
            Assert.That(Read32(machine, 0x202), Is.EqualTo(0x53726448));
            Assert.That(machine.Memory.Read<byte>(Parameters + 0x210), Is.EqualTo(0xFF));
            Assert.That(Encoding.ASCII.GetString(text), Is.EqualTo("console=ttyS0 quiet\0"));
            Assert.That(start, Is.EqualTo((64u << 20) - 0x3000), "as high as it fits, on a page");
            Assert.That(Read32(machine, 0x21C), Is.EqualTo(initrd.Length));
            Assert.That(loaded, Is.EqualTo(initrd));
            Assert.That(machine.Memory.Read<byte>(Parameters + 0x1E8), Is.GreaterThanOrEqualTo(4));
            Assert.That(machine.Memory.Read<ulong>(Parameters + 0x2D0), Is.Zero);
            Assert.That(machine.Memory.Read<ulong>(Parameters + 0x2D8), Is.EqualTo(0x9FC00));
            Assert.That(Read32(machine, 0x1E0), Is.EqualTo(63 * 1024), "KiB above 1 MiB");
        });
    }

    [Test]
    public void Initrd_stays_below_what_the_kernel_can_reach()
    {
        byte[] kernel = KernelImages.Linux(Code);
        KernelImages.Write32(kernel, 0x22C, 0x1FFFFFF);
        PcMachine machine = Boot(kernel, 64, "", [1]);
        Assert.That(Read32(machine, 0x218), Is.EqualTo(0x1FFF000));
    }

    [Test]
    public void Reset_starts_the_kernel_again()
    {
        PcMachine machine = Boot(KernelImages.Linux(Code), 64, "", [1]);
        machine.Memory.Write<byte>(KernelImages.Address, 0);
        machine.Reset();
        Assert.That(machine.Memory.Read<byte>(KernelImages.Address), Is.EqualTo(0xFA));
        Assert.That(machine.Cpu.State->Eip, Is.EqualTo(KernelImages.Address));
    }

    [TestCase("cut setup", "cut short")]
    [TestCase("cut body", "cut short")]
    [TestCase("old protocol", "2.02 or later")]
    [TestCase("zImage", "zImage")]
    [TestCase("64-bit", "64-bit")]
    [TestCase("header", "damaged")]
    [TestCase("entry", "outside of its own image")]
    [TestCase("init size", "needs RAM")]
    [TestCase("preferred address", "needs RAM")]
    [TestCase("command line", "at most 2047 bytes")]
    [TestCase("initrd", "does not fit")]
    [TestCase("low initrd maximum", "does not fit")]
    public void What_cannot_boot_is_refused_with_the_reason(string what, string reason)
    {
        byte[] kernel = KernelImages.Linux(Code);
        string line = "";
        byte[] initrd = [1];
        switch (what)
        {
            case "cut setup":
                kernel = kernel[..0x400];
                break;
            case "cut body":
                KernelImages.Write32(kernel, 0x1F4, 100);
                break;
            case "old protocol":
                kernel = KernelImages.Linux(Code, 0x0201);
                break;
            case "zImage":
                kernel[0x211] = 0;
                break;
            case "64-bit":
                kernel[0x236] = 1;
                break;
            case "header":
                kernel[0x201] = 0xFF;
                break;
            case "entry":
                kernel[0x234] = 0;
                KernelImages.Write32(kernel, 0x214, 0x90000);
                break;
            case "init size":
                KernelImages.Write32(kernel, 0x260, 0xFFFFFFFF);
                break;
            case "preferred address":
                KernelImages.Write32(kernel, 0x25C, 0xFFFFFFFF);
                break;
            case "command line":
                line = new string('x', 2048);
                break;
            case "initrd":
                initrd = new byte[50 << 20];
                break;
            default:
                KernelImages.Write32(kernel, 0x22C, 0x1000);
                break;
        }

        LoaderException e = Assert.Throws<LoaderException>(() => Boot(kernel, 64, line, initrd))!;
        Assert.That(e.Message, Does.Contain(reason));
        Assert.That(e.Message, Does.StartWith(what.Contains("initrd", StringComparison.Ordinal) ? "initrd.gz: " : "vmlinuz: "));
        Assert.That(e.Message, Does.Not.Contain('\n'));
    }

    [Test]
    public void Random_damage_is_refused_or_loads()
    {
        LoaderFuzz.Run(KernelImages.Linux(Code), 1, 4000, Enumerable.Range(0x1F1, 0x90));
    }

    private static PcMachine Boot(byte[] kernel, uint mebibytes, string commandLine, byte[] initrd)
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = mebibytes << 20 });
        machine.Attach(new BootFiles { Kernel = new GuestFile("vmlinuz", kernel), Initrd = "initrd.gz", InitrdFiles = [new GuestFile("initrd.gz", initrd)], CommandLine = commandLine });
        return machine;
    }

    private static uint Read32(PcMachine machine, uint offset) => machine.Memory.Read<uint>(Parameters + offset);
}
