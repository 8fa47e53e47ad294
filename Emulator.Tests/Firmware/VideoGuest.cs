using Emulator.Core.Cpu;
using Emulator.Devices;
using Emulator.Devices.Loaders;
using Emulator.Devices.Storage;
using Emulator.Devices.Storage.Images;
using NUnit.Framework;

namespace Emulator.Tests.Firmware;

/// <summary>
/// A machine that has booted a program which only executes INT 10h: a test sets registers, lets it run and looks at what came back. With the built-in
/// firmware, or with SeaBIOS and its video BIOS from Debian's package, as a black box.
/// </summary>
internal sealed unsafe class VideoGuest
{
    /// <summary>Where tests keep their buffers.</summary>
    public const ushort BufferSegment = 0x2000;

    private const uint Program = 0x7C00;
    private const uint Idle = Program + 2;
    private const string SeaBios = "/usr/share/seabios";

    public VideoGuest(PcMachineConfig? config = null, BootFiles? boot = null)
    {
        byte[] disk = new byte[1440 << 10];
        byte[] code = [0xCD, 0x10, 0xEB, 0xFE]; // INT 10h; JMP $
        code.CopyTo(disk, 0);
        disk[510] = 0x55;
        disk[511] = 0xAA;
        PcMachineConfig basis = config ?? new PcMachineConfig { RamSize = 16 << 20 };
        Machine = new PcMachine(basis with
        {
            BootOrder = "a",
            Drives = [new Drive(new DriveOptions { Interface = DriveInterface.Floppy, File = "test" }, new MemoryImage(disk))],
        });
        Machine.Attach(boot ?? new BootFiles());

        // The built-in firmware gets here within a few instructions: the INT 10h is not executed. SeaBIOS starts with a function that does not exist.
        while (Cs != 0 || Machine.Cpu.State->Eip is not (Program or Idle))
        {
            Assert.That(Machine.Cpu.Retired, Is.LessThan(200_000_000), "the boot sector was not reached");
            Machine.Run(Machine.HasBuiltInFirmware ? 1 : 10_000);
        }
    }

    public PcMachine Machine { get; }

    public ref uint Eax => ref CpuState.R32(Machine.Cpu.State, 0);

    public ref uint Ecx => ref CpuState.R32(Machine.Cpu.State, 1);

    public ref uint Edx => ref CpuState.R32(Machine.Cpu.State, 2);

    public ref uint Ebx => ref CpuState.R32(Machine.Cpu.State, 3);

    public ref uint Ebp => ref CpuState.R32(Machine.Cpu.State, 5);

    public ref uint Edi => ref CpuState.R32(Machine.Cpu.State, 7);

    public ushort Ax => (ushort)Eax;

    public ushort Bx => (ushort)Ebx;

    public ushort Cx => (ushort)Ecx;

    public ushort Dx => (ushort)Edx;

    public ushort Es => CpuState.Segment(Machine.Cpu.State, SegmentIndex.Es)->Selector;

    private ushort Cs => CpuState.Segment(Machine.Cpu.State, SegmentIndex.Cs)->Selector;

    /// <summary>SeaBIOS with its VGA BIOS; the test is ignored where there is none.</summary>
    public static VideoGuest CreateSeaBios()
    {
        string firmware = Path.Combine(SeaBios, "bios-256k.bin");
        string video = Path.Combine(SeaBios, "vgabios-stdvga.bin");
        if (!File.Exists(firmware) || !File.Exists(video))
        {
            Assert.Ignore($"{SeaBios} is not there: install the package seabios");
        }

        return new VideoGuest(null, new BootFiles { Firmware = GuestFile.Read(firmware, RomImage.MaximumLength), VideoRom = GuestFile.Read(video, RomImage.MaximumLength) });
    }

    /// <summary>Executes INT 10h; ES is the segment of the buffers, BP and DI are 0 unless given.</summary>
    /// <returns>AX.</returns>
    public ushort Call(int ax, int bx = 0, int cx = 0, int dx = 0, int bp = 0, int di = 0, ushort es = BufferSegment)
    {
        CpuState* s = Machine.Cpu.State;
        (Eax, Ebx, Ecx, Edx, Ebp, Edi) = ((uint)ax, (uint)bx, (uint)cx, (uint)dx, (uint)bp, (uint)di);
        SegmentRegister* segment = CpuState.Segment(s, SegmentIndex.Es);
        segment->Selector = es;
        segment->Base = (uint)es << 4;
        segment->Update();
        CpuMode.Update(s);
        s->Eip = Program;
        Finish($"INT 10h with AX={ax:X4}");
        return Ax;
    }

    /// <summary>Executes other code of the guest, with the registers as they are.</summary>
    public void Execute(ReadOnlySpan<byte> code)
    {
        const uint Place = 0x7E00;
        Machine.Memory.WriteBlock(Place, code);
        Machine.Memory.WriteBlock(Place + (uint)code.Length, [0xEA, 0x02, 0x7C, 0x00, 0x00]); // JMP FAR to the end of the program
        Machine.Cpu.State->Eip = Place;
        Finish("the code");
    }

    private void Finish(string what)
    {
        CpuState* s = Machine.Cpu.State;
        long limit = Machine.Cpu.Retired + 50_000_000;
        while (s->Eip != Idle || Cs != 0)
        {
            Assert.That(Machine.Cpu.Retired, Is.LessThan(limit), $"{what} does not return");
            Machine.Run(s->Eip == Program ? 1 : 200);
        }
    }

    public byte Read8(uint address) => Machine.Memory.Read<byte>(address);

    public ushort Read16(uint address) => (ushort)(Read8(address) | (Read8(address + 1) << 8));

    public uint Read32(uint address) => Read16(address) | ((uint)Read16(address + 2) << 16);

    public byte[] ReadBuffer(int length, int offset = 0)
    {
        byte[] data = new byte[length];
        Machine.Memory.ReadBlock(((uint)BufferSegment << 4) + (uint)offset, data);
        return data;
    }

    public void WriteBuffer(ReadOnlySpan<byte> data, int offset = 0) => Machine.Memory.WriteBlock(((uint)BufferSegment << 4) + (uint)offset, data);

    public byte In(ushort port) => (byte)Machine.Ports.Read(port, 1);

    public void Out(ushort port, int value) => Machine.Ports.Write(port, 1, (byte)value);

    public byte Register(ushort port, int index)
    {
        Out(port, index);
        return In((ushort)(port + 1));
    }

    public byte Attribute(int index)
    {
        In(0x3DA);
        In(0x3BA);
        Out(0x3C0, index);
        byte value = In(0x3C1);
        In(0x3DA);
        In(0x3BA);
        Out(0x3C0, 0x20);
        return value;
    }

    /// <summary>All registers of the adapter by name.</summary>
    public Dictionary<string, int> Registers()
    {
        Dictionary<string, int> all = new() { ["misc"] = In(0x3CC), ["mask"] = In(0x3C6) };
        ushort crtc = (In(0x3CC) & 1) != 0 ? (ushort)0x3D4 : (ushort)0x3B4;
        for (int i = 0; i < 5; i++)
        {
            all[$"sequencer {i}"] = Register(0x3C4, i);
        }

        for (int i = 0; i < 25; i++)
        {
            all[$"crtc {i:X2}"] = Register(crtc, i);
        }

        for (int i = 0; i < 21; i++)
        {
            all[$"attribute {i:X2}"] = Attribute(i);
        }

        for (int i = 0; i < 9; i++)
        {
            all[$"graphics {i}"] = Register(0x3CE, i);
        }

        return all;
    }

    public byte[] Palette()
    {
        Out(0x3C7, 0);
        return [.. Enumerable.Range(0, 768).Select(_ => In(0x3C9))];
    }

    /// <summary>The picture; the size is that of <see cref="PcMachine.Screen"/>.</summary>
    public uint[] Picture()
    {
        Machine.Screen!.Update();
        return Machine.Screen.Pixels.ToArray();
    }
}
