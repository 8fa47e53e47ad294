using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Iced.Intel;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Tests.SystemInstructions;

/// <summary>
/// A bare CPU with descriptor tables for tests of the system side. Each vector's handler is a HLT of its own, so that EIP after the run names the
/// vector that was delivered last, and its frame stands at SS:ESP.
/// </summary>
internal sealed unsafe class SystemMachine
{
    public const uint GdtAddress = 0x1000;
    public const uint IdtAddress = 0x2000;
    public const uint TssAddress = 0x4000;
    public const uint OtherTssAddress = 0x7000;
    public const uint Tss16Address = 0x7800;
    public const uint CodeAddress = 0x10000;
    public const uint KernelEntry = 0x18000;
    public const uint UserStackTop = 0x28000;
    public const uint KernelStackTop = 0x2C000;
    public const uint InnerStackTop = 0x2E000;
    public const uint Handlers = 0x30000;
    public const uint OtherTaskEntry = 0x40000;

    public const ushort Code0 = 0x08;
    public const ushort Data0 = 0x10;
    public const ushort Code3 = 0x1B;
    public const ushort Data3 = 0x23;
    public const ushort Tss = 0x28;
    public const ushort OtherTss = 0x30;
    public const ushort Tss16 = 0x38;
    public const ushort Gate = 0x40;
    public const ushort Conforming0 = 0x48;
    public const ushort Code16 = 0x50;
    public const ushort Data16 = 0x5B;
    public const ushort Spare = 0x60;

    private const uint PageDirectory = 0x100000;
    private const uint PageTable = 0x101000;

    public SystemMachine(CpuModel? model = null)
    {
        PhysicalMemory memory = new(4 << 20, NullLogger.Instance);
        memory.MapRam(0, 0, 4 << 20);
        Core = new CpuCore(model ?? CpuModel.Max, memory, new PortMap(NullLogger.Instance), ClockMode.InstructionCount, null, NullLogger.Instance);
        SetDescriptor(Code0, 0x00CF9B000000FFFF);
        SetDescriptor(Data0, 0x00CF93000000FFFF);
        SetDescriptor(Code3, 0x00CFFB000000FFFF);
        SetDescriptor(Data3, 0x00CFF3000000FFFF);
        SetDescriptor(Tss, System(TssAddress, 0x2067, 0x89));
        SetDescriptor(OtherTss, System(OtherTssAddress, 0x67, 0x89));
        SetDescriptor(Tss16, System(Tss16Address, 0x2B, 0x81));
        SetDescriptor(Conforming0, 0x00CF9F000000FFFF);
        SetDescriptor(Code16, 0x00009B000000FFFF);
        SetDescriptor(Data16, 0x0000F3000000FFFF);
        for (int v = 0; v < 256; v++)
        {
            SetGate((byte)v, Code0, Handler((byte)v), 0xEE);
            memory.Write(Handler((byte)v), (byte)0xF4);
        }

        Write32(TssAddress + 4, InnerStackTop);
        Write32(TssAddress + 8, Data0);
        Write32(TssAddress + 0x64, 0x00680000);
        memory.WriteBlock(TssAddress + 0x68, Enumerable.Repeat((byte)0xFF, 0x2000).ToArray());
        State->GdtBase = GdtAddress;
        State->GdtLimit = 0x7F;
        State->IdtBase = IdtAddress;
        State->IdtLimit = 0x7FF;
        State->Cr0 |= Cr0.PE;
        LoadSystem(SegmentIndex.Tr, Tss);
        Core.Memory.Write(GdtAddress + Tss + 5, (byte)0x8B);
        CpuState.Segment(State, SegmentIndex.Tr)->Attributes |= 2;
        Segmentation.SetHidden(State, SegmentIndex.Ldtr, 0, 0, 0, 0);
        SetPrivilege(0);
    }

    public CpuCore Core { get; }

    public CpuState* State => Core.State;

    public uint Eax => CpuState.R32(State, 0);

    public ref uint Esp => ref CpuState.R32(State, 4);

    /// <summary>Vector whose handler halted, or -1.</summary>
    public int Delivered
    {
        get
        {
            uint at = State->Eip - 1 - Handlers;
            return State->IsHalted != 0 && at < 256 * 16 && at % 16 == 0 ? (int)(at / 16) : -1;
        }
    }

    public uint Eflags => LazyFlags.Read(State);

    public static uint Handler(byte vector) => Handlers + (16u * vector);

    public static ulong System(uint address, uint limit, uint attributes) =>
        (limit & 0xFFFF) | ((ulong)(address & 0xFFFFFF) << 16) | ((ulong)attributes << 40) | ((ulong)(limit & 0xF0000) << 32) | ((ulong)(address & 0xFF000000) << 32);

    public static ulong GateDescriptor(ushort selector, uint offset, uint attributes, uint parameters = 0) =>
        (offset & 0xFFFF) | ((ulong)selector << 16) | ((ulong)parameters << 32) | ((ulong)attributes << 40) | ((ulong)(offset & 0xFFFF0000) << 32);

    public static byte[] Assemble(int bits, uint origin, Action<Assembler> code)
    {
        Assembler a = new(bits);
        code(a);
        using MemoryStream stream = new();
        a.Assemble(new StreamCodeWriter(stream), origin);
        return stream.ToArray();
    }

    public void SetDescriptor(ushort selector, ulong value) => Core.Memory.Write(GdtAddress + (selector & 0xFFF8u), value);

    public void SetGate(byte vector, ushort selector, uint offset, uint attributes) =>
        Core.Memory.Write(IdtAddress + (8u * vector), GateDescriptor(selector, offset, attributes));

    public byte DescriptorType(ushort selector) => Core.Memory.Read<byte>(GdtAddress + (selector & 0xFFF8u) + 5);

    public void Write32(uint address, uint value) => Core.Memory.Write(address, value);

    public void Write16(uint address, ushort value) => Core.Memory.Write(address, value);

    public uint Read32(uint address) => Core.Memory.Read<uint>(address);

    public ushort Read16(uint address) => Core.Memory.Read<ushort>(address);

    /// <summary>Doubleword at a distance from SS:ESP.</summary>
    public uint Stack(uint distance) => Read32(CpuState.Segment(State, SegmentIndex.Ss)->Base + Esp + distance);

    /// <summary>Loads a segment register from the GDT without checks.</summary>
    public void LoadSystem(int index, ushort selector) =>
        Segmentation.SetRaw(State, index, selector, Core.Memory.Read<ulong>(GdtAddress + (selector & 0xFFF8u)));

    /// <summary>Flat segments of privilege level 0 or 3, stack at the level's top, EIP at the test code.</summary>
    public void SetPrivilege(int cpl)
    {
        State->Cpl = (byte)cpl;
        LoadSystem(SegmentIndex.Cs, cpl == 0 ? Code0 : Code3);
        foreach (int i in new[] { SegmentIndex.Ss, SegmentIndex.Ds, SegmentIndex.Es, SegmentIndex.Fs, SegmentIndex.Gs })
        {
            LoadSystem(i, cpl == 0 ? Data0 : Data3);
        }

        Esp = cpl == 0 ? KernelStackTop : UserStackTop;
        State->Eip = CodeAddress;
        CpuMode.Update(State);
    }

    /// <summary>Virtual-8086 mode with CS:IP at linear <see cref="CodeAddress"/> and the stack at 2000:8000.</summary>
    public void EnterV86(uint flags = 0)
    {
        LazyFlags.Write(State, flags | Emulator.Core.Cpu.Eflags.VM);
        State->Cpl = 3;
        for (int i = 0; i < 6; i++)
        {
            Segmentation.SetV86(State, i, 0x2000);
        }

        Segmentation.SetV86(State, SegmentIndex.Cs, (ushort)(CodeAddress >> 4));
        State->Eip = 0;
        Esp = 0x8000;
    }

    /// <summary>Maps the first 4 MiB one to one, user and writable.</summary>
    public void EnablePaging()
    {
        Write32(PageDirectory, PageTable | 7);
        for (uint i = 0; i < 1024; i++)
        {
            Write32(PageTable + (4 * i), (i << 12) | 7);
        }

        State->Cr3 = PageDirectory;
        State->Cr0 |= Cr0.PG | Cr0.WP;
        PageWalk.FlushAll(State);
        CpuMode.Update(State);
    }

    public void SetPage(uint address, uint flags)
    {
        Write32(PageTable + (4 * (address >> 12)), (address & 0xFFFFF000) | flags);
        PageWalk.FlushAll(State);
    }

    public void Put(uint address, int bits, Action<Assembler> code) => Core.Memory.WriteBlock(address, Assemble(bits, address, code));

    /// <summary>Puts code where EIP points.</summary>
    public void Code(Action<Assembler> code)
    {
        SegmentRegister* cs = CpuState.Segment(State, SegmentIndex.Cs);
        Core.Memory.WriteBlock(cs->Base + State->Eip, Assemble(cs->IsBig ? 32 : 16, State->Eip, code));
    }

    /// <summary>Runs until HLT or shutdown, at most a thousand instructions.</summary>
    public StopReason Run(long instructions = 1000)
    {
        CpuCore.UpdatePending(State);
        return Core.Run(instructions);
    }
}
