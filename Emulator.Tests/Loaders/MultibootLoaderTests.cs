using System.Text;
using Emulator.Core.Cpu;
using Emulator.Core.Decoding;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using NUnit.Framework;

namespace Emulator.Tests.Loaders;

internal sealed unsafe class MultibootLoaderTests
{
    private static readonly byte[] Code = [0xFA, 0xF4];

    [Test]
    public void Flat_image_starts_with_the_magic_numbers()
    {
        PcMachine machine = Boot(KernelImages.MultibootFlat(Code), "a b");
        CpuState* s = machine.Cpu.State;
        Assert.Multiple(() =>
        {
            Assert.That(CpuState.R32(s, 0), Is.EqualTo(0x2BADB002));
            Assert.That(s->Eip, Is.EqualTo(KernelImages.Address + 32));
            Assert.That(s->Cr0 & (Cr0.PE | Cr0.PG), Is.EqualTo(Cr0.PE));
            Assert.That(s->ModeKey & ModeKey.FlatCs, Is.Not.Zero);
            Assert.That(Text(machine, Info(machine, 16)), Is.EqualTo("kernel.bin a b"));
            Assert.That(Text(machine, Info(machine, 64)), Is.EqualTo("emu"));
            Assert.That(Info(machine, 0) & 0x1 | (Info(machine, 0) & 0x44), Is.EqualTo(0x45));
            Assert.That(Info(machine, 4), Is.EqualTo(639));
            Assert.That(Info(machine, 8), Is.EqualTo(31 * 1024));
        });
    }

    [Test]
    public void Memory_map_lists_the_ram()
    {
        PcMachine machine = Boot(KernelImages.MultibootFlat(Code), "");
        uint map = Info(machine, 48);
        ulong usable = 0;
        for (uint at = 0; at < Info(machine, 44); at += machine.Memory.Read<uint>(map + at) + 4)
        {
            if (machine.Memory.Read<uint>(map + at + 20) == 1)
            {
                usable += machine.Memory.Read<ulong>(map + at + 12);
            }
        }

        Assert.That(usable, Is.EqualTo((31ul << 20) + 0x9FC00));
    }

    [Test]
    public void Elf_segment_goes_to_its_physical_address_and_the_rest_is_zero([Values(0x100000u, 0xC0100000u)] uint virtualAddress)
    {
        byte[] image = KernelImages.MultibootElf(Code, virtualAddress);
        PcMachine machine = new(new PcMachineConfig { RamSize = 32 << 20 });
        machine.Memory.Write(KernelImages.Address + 12 + (uint)Code.Length, 0xFFFFFFFFu);
        machine.Attach(new BootFiles { Kernel = new GuestFile("kernel.bin", image) });
        Assert.Multiple(() =>
        {
            Assert.That(machine.Cpu.State->Eip, Is.EqualTo(KernelImages.Address + 12));
            Assert.That(machine.Memory.Read<byte>(KernelImages.Address + 12), Is.EqualTo(0xFA));
            Assert.That(machine.Memory.Read<uint>(KernelImages.Address + 12 + (uint)Code.Length), Is.Zero);
        });
    }

    [Test]
    public void Modules_lie_behind_the_kernel_on_pages_with_their_lines()
    {
        byte[] first = [1, 2, 3];
        byte[] second = [4, 5];
        PcMachine machine = new(new PcMachineConfig { RamSize = 32 << 20 });
        machine.Attach(new BootFiles
        {
            Kernel = new GuestFile("kernel.bin", KernelImages.MultibootFlat(Code, bss: 0x5000)),
            Initrd = "one with,, comma,two",
            InitrdFiles = [new GuestFile("one", first), new GuestFile("two", second)],
        });
        uint table = Info(machine, 24);
        uint start = machine.Memory.Read<uint>(table);
        byte[] data = new byte[3];
        machine.Memory.ReadBlock(start, data);
        Assert.Multiple(() =>
        {
            Assert.That(Info(machine, 20), Is.EqualTo(2));
            Assert.That(start % 4096, Is.Zero);
            Assert.That(start, Is.GreaterThanOrEqualTo(KernelImages.Address + 0x5000));
            Assert.That(machine.Memory.Read<uint>(table + 4), Is.EqualTo(start + 3));
            Assert.That(data, Is.EqualTo(first));
            Assert.That(Text(machine, machine.Memory.Read<uint>(table + 8)), Is.EqualTo("one with, comma"));
            Assert.That(Text(machine, machine.Memory.Read<uint>(table + 24)), Is.EqualTo("two"));
        });
    }

    [Test]
    public void Boot_information_avoids_a_kernel_in_low_memory()
    {
        byte[] image = KernelImages.MultibootFlat(Code);
        for (int at = 12; at <= 28; at += 4)
        {
            if (at != 24)
            {
                KernelImages.Write32(image, at, BitConverter.ToUInt32(image, at) - KernelImages.Address + 0x1000);
            }
        }

        KernelImages.Write32(image, 24, 0x9F000);
        PcMachine machine = Boot(image, "");
        Assert.That(CpuState.R32(machine.Cpu.State, 3), Is.GreaterThanOrEqualTo(0x9F000));
        Assert.That(machine.Memory.Read<uint>(0x1000), Is.EqualTo(0x1BADB002));
    }

    [TestCase("flags", "demands multiboot features")]
    [TestCase("load end", "damaged multiboot header")]
    [TestCase("long", "cut short")]
    [TestCase("rom", "not RAM")]
    [TestCase("high", "not RAM")]
    [TestCase("bss", "not RAM")]
    [TestCase("entry", "outside of its own image")]
    [TestCase("elf class", "not for a 32-bit x86")]
    [TestCase("elf type", "not an executable")]
    [TestCase("elf table", "damaged ELF program header")]
    [TestCase("elf segment cut", "cut short")]
    [TestCase("elf segment size", "damaged ELF segment")]
    [TestCase("elf empty", "nothing to load")]
    [TestCase("elf without header", "without a multiboot header")]
    [TestCase("text", "neither a Linux bzImage nor a multiboot kernel")]
    [TestCase("header only", "neither an ELF file")]
    public void What_cannot_boot_is_refused_with_the_reason(string what, string reason)
    {
        byte[] flat = KernelImages.MultibootFlat(Code);
        byte[] elf = KernelImages.MultibootElf(Code);
        byte[] image = what.StartsWith("elf", StringComparison.Ordinal) ? elf : flat;
        switch (what)
        {
            case "flags":
                KernelImages.WriteHeader(image, 0, 0x10008);
                break;
            case "load end":
                KernelImages.Write32(image, 20, 0x1000);
                break;
            case "long":
                KernelImages.Write32(image, 20, KernelImages.Address + 0x10000);
                break;
            case "rom":
                KernelImages.Write32(image, 12, 0xF0000);
                KernelImages.Write32(image, 16, 0xF0000);
                KernelImages.Write32(image, 20, 0);
                break;
            case "high":
                KernelImages.Write32(image, 12, 0xFFFFFFF0);
                KernelImages.Write32(image, 16, 0xFFFFFFF0);
                KernelImages.Write32(image, 20, 0);
                break;
            case "bss":
                KernelImages.Write32(image, 24, 0xFFFFFFFF);
                break;
            case "entry":
                KernelImages.Write32(image, 28, 0x5000);
                break;
            case "elf class":
                image[4] = 2;
                break;
            case "elf type":
                image[16] = 1;
                break;
            case "elf table":
                KernelImages.Write32(image, 28, 0xFFFFFFF0);
                break;
            case "elf segment cut":
                KernelImages.Write32(image, 68, 0xFFFFFFFF);
                KernelImages.Write32(image, 72, 0xFFFFFFFF);
                break;
            case "elf segment size":
                KernelImages.Write32(image, 72, 1);
                break;
            case "elf empty":
                KernelImages.Write32(image, 52, 2);
                break;
            case "elf without header":
                KernelImages.Write32(image, 0x60, 0);
                break;
            case "text":
                image = Encoding.ASCII.GetBytes("This is no kernel at all, just text.");
                break;
            default:
                KernelImages.WriteHeader(image, 0, 0);
                break;
        }

        LoaderException e = Assert.Throws<LoaderException>(() => Boot(image, ""))!;
        Assert.That(e.Message, Does.StartWith("kernel.bin: "));
        Assert.That(e.Message, Does.Contain(reason));
    }

    [Test]
    public void Module_that_does_not_fit_is_refused()
    {
        BootFiles files = new()
        {
            Kernel = new GuestFile("kernel.bin", KernelImages.MultibootFlat(Code)),
            Initrd = "big",
            InitrdFiles = [new GuestFile("big", new byte[31 << 20])],
        };
        LoaderException e = Assert.Throws<LoaderException>(() => files.CreateImage(new LoaderMachine(32 << 20)))!;
        Assert.That(e.Message, Does.StartWith("big: does not fit"));
    }

    [Test]
    public void Random_damage_is_refused_or_loads()
    {
        LoaderFuzz.Run(KernelImages.MultibootFlat(Code), 2, 4000, Enumerable.Range(4, 28));
        LoaderFuzz.Run(KernelImages.MultibootElf(Code), 3, 4000, Enumerable.Range(0, 0x6C));
    }

    private static PcMachine Boot(byte[] image, string commandLine)
    {
        PcMachine machine = new(new PcMachineConfig { RamSize = 32 << 20 });
        machine.Attach(new BootFiles { Kernel = new GuestFile("kernel.bin", image), CommandLine = commandLine });
        return machine;
    }

    private static uint Info(PcMachine machine, uint offset) => machine.Memory.Read<uint>(CpuState.R32(machine.Cpu.State, 3) + offset);

    private static string Text(PcMachine machine, uint address)
    {
        StringBuilder text = new();
        for (byte b = machine.Memory.Read<byte>(address); b != 0; b = machine.Memory.Read<byte>(++address))
        {
            text.Append((char)b);
        }

        return text.ToString();
    }
}
