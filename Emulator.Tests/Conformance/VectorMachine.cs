using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Emulator.Jit;
using Emulator.Jit.Verification;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Tests.Conformance;

/// <summary>
/// The machine that vectors run on: RAM with the background pattern, descriptor tables and page tables behind it. It is set up for one
/// vector, executes it, and takes back what the vector touched.
/// </summary>
internal sealed unsafe class VectorMachine
{
    /// <summary>Bytes of RAM that vectors see.</summary>
    public const int RamSize = 0x110000;

    private const uint Tables = 0x200000;
    private const uint TablesLength = 0x100000;
    private const uint Gdt = Tables;
    private const uint Idt = Tables + 0x1000;
    private const uint Tss = Tables + 0x2000;
    private const uint LdtTable = Tables + 0x10000;
    private const uint PageDirectory = Tables + 0x20000;
    private const uint PageTable = Tables + 0x21000;
    private const ushort FlatCode = 0x08;
    private const ushort FlatData = 0x10;
    private const ushort TssSelector = 0x18;
    private const ushort LdtSelector = 0x20;
    private const uint ProtectedCr0 = Cr0.PE | Cr0.MP | Cr0.NE | Cr0.AM | Cr0.ET;

    private readonly PhysicalMemory _memory = new(Tables + TablesLength, NullLogger.Instance);
    private readonly SegmentRegister[] _ldtSegments = new SegmentRegister[8192];
    private readonly byte[] _pattern = new byte[RamSize];
    private readonly byte[] _expected = new byte[RamSize];
    private readonly byte[] _halt = [0xF4];
    private readonly JitOptions? _options;
    private JitTranslator? _translator;
    private SegmentRegister _flatCode;
    private SegmentRegister _flatData;
    private VectorFile? _file;
    private uint _codeAddress;
    private bool _paging;

    /// <summary>Creates the machine.</summary>
    /// <param name="options">How its translator works; null for the interpreter alone.</param>
    public VectorMachine(JitOptions? options = null)
    {
        // Each vector rewrites the code of others.
        _options = options is null ? null : options with { BacksOff = false };
        for (int i = 0; i < RamSize; i++)
        {
            _pattern[i] = (byte)(((uint)i * 2654435761u) >> 24);
        }

        _memory.MapRam(0, 0, RamSize);
        _memory.MapRam(Tables, Tables, TablesLength);
        _pattern.CopyTo(_expected, 0);
        _memory.WriteBlock(0, _pattern);
        Core = new CpuCore(CpuModel.Max, _memory, new PortMap(NullLogger.Instance), ClockMode.InstructionCount, null, NullLogger.Instance)
        {
            DeliveryObserver = Observe,
        };

        RenewTranslator();
        WriteTable(Gdt + FlatCode, 0x00CF9B000000FFFF);
        WriteTable(Gdt + FlatData, 0x00CF93000000FFFF);
        WriteTable(Gdt + TssSelector, 0x00008B0000000067 | ((ulong)(Tss & 0xFFFFFF) << 16));
        WriteTable(Gdt + LdtSelector, 0x000082000000FFFF | ((ulong)(LdtTable & 0xFFFFFF) << 16));
        for (uint i = 0; i < 256; i++)
        {
            uint dpl = i is 3 or 4 ? 0x6000u : 0;
            WriteTable(Idt + (i * 8), ((ulong)FlatCode << 16) | ((ulong)(0x8E00 | dpl) << 32));
        }

        _memory.Write(Tss + 4, 0x2FFFF0u);
        _memory.Write(Tss + 8, (uint)FlatData);
        _memory.Write(Tss + 0x64, 0xFFFF0000u);
        _flatCode = Segment(0x00CF9B000000FFFF, FlatCode);
        _flatData = Segment(0x00CF93000000FFFF, FlatData);
    }

    public CpuCore Core { get; }

    /// <summary>Exception that the last vector raised, or <see cref="Vector.NoException"/>.</summary>
    public byte Exception { get; private set; }

    /// <summary>Its error code, or <see cref="Vector.NoErrorCode"/>.</summary>
    public uint Error { get; private set; }

    /// <summary>EIP at the end: of the faulting instruction, or of the next one (of the HLT for a sequence).</summary>
    public uint FinalEip { get; private set; }

    /// <summary>Whether the comparer let a difference within the tolerance pass.</summary>
    public bool WasInexact { get; set; }

    /// <summary>What the translator found of itself, when it verifies; <see cref="RenewTranslator"/> behind that.</summary>
    public Divergence? Divergence => _translator?.Divergence;

    public CpuState* State => Core.State;

    /// <summary>RAM as it should be now.</summary>
    public ReadOnlySpan<byte> Expected => _expected;

    /// <summary>RAM as it is.</summary>
    public ReadOnlySpan<byte> Ram => new(_memory.Ram, RamSize);

    /// <summary>Starts with a new translator, if there is one.</summary>
    public void RenewTranslator()
    {
        if (_options is not null)
        {
            _translator?.Dispose();
            _translator = new JitTranslator(Core, _options);
            _translator.Attach();
        }
    }

    /// <summary>Loads the tables of a file.</summary>
    /// <param name="file">The file whose vectors are run next.</param>
    public void Prepare(VectorFile file)
    {
        _file = file;
        Array.Clear(_ldtSegments);
        new Span<byte>(_memory.Ram + LdtTable, 0x10000).Clear();
        foreach ((ushort selector, ulong descriptor) in file.Ldt)
        {
            _ldtSegments[selector >> 3] = Segment(descriptor, selector);
        }

        RestoreLdt();
        _memory.Write(PageDirectory, PageTable | 7u);
        for (uint page = 0; page < 1024; page++)
        {
            uint address = page << 12;
            uint flags = address < RamSize || address >= Tables ? 7u : 0;
            flags = file.AbsentPages.Contains(address) ? 0 : file.ReadOnlyPages.Contains(address) ? 5 : flags;
            _memory.Write(PageTable + (page * 4), address | flags);
        }

        PageWalk.FlushAll(State);
    }

    /// <summary>Sets registers and memory to a vector's initial state.</summary>
    /// <param name="v">The vector.</param>
    /// <param name="mode">One mode.</param>
    public void Setup(Vector v, VectorModes mode)
    {
        CpuState* s = State;
        VectorState initial = v.Initial;
        for (int i = 0; i < 8; i++)
        {
            s->Gpr[i] = initial.Gpr[i];
            FpuRegister* r = CpuState.FpuPhysical(s, i);
            r->Significand = initial.Significands[i];
            r->SignExponent = initial.SignExponents[i];
            ulong* x = (ulong*)CpuState.XmmBytes(s, i);
            x[0] = initial.Xmm[2 * i];
            x[1] = initial.Xmm[(2 * i) + 1];
        }

        (s->Fcw, s->Fsw, s->Ftw, s->Fop, s->Fip, s->Fdp) = (initial.Fcw, initial.Fsw, initial.Ftw, initial.Fop, initial.Fip, initial.Fdp);
        s->Fcs = s->Fds = 0;
        s->Mxcsr = initial.Mxcsr;
        s->Eip = initial.Eip;
        LazyFlags.Write(s, mode == VectorModes.V86 ? initial.Eflags | Eflags.VM | Eflags.IoplMask : initial.Eflags);
        SetSystem(s, v, mode);
        SetSegments(s, initial, mode);
        _codeAddress = CpuState.Segment(s, SegmentIndex.Cs)->Base + initial.Eip;
        foreach (MemoryRun run in initial.Memory)
        {
            Put(run.Address, _file!.Data.AsSpan(run.Offset, run.Length));
        }

        Put(_codeAddress, _file!.Data.AsSpan(v.BytesOffset, v.BytesLength));
        Put(_codeAddress + (uint)v.BytesLength, _halt);
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
        Exception = Vector.NoException;
        Error = Vector.NoErrorCode;
    }

    /// <summary>Executes the vector that was set up.</summary>
    /// <param name="v">The vector.</param>
    public void Execute(Vector v)
    {
        CpuState* s = State;

        // Blocks are what is translated, so there every vector runs to its HLT.
        bool sequence = v.Has(VectorAttributes.Sequence) || _translator is not null;
        _translator?.Poll();
        if (sequence)
        {
            Core.ExecuteRaw(1 << 20);
        }
        else
        {
            Core.ExecuteOneRaw();
        }

        FinalEip = s->Eip;
        uint cs = CpuState.Segment(s, SegmentIndex.Cs)->Base;
        if (sequence && s->IsHalted != 0 && Exception == Vector.NoException)
        {
            FinalEip = CpuState.Segment(s, SegmentIndex.Cs)->IsBig ? s->Eip - 1 : (s->Eip - 1) & 0xFFFF;
        }
        else if (sequence && Exception == ExceptionVector.Debug && v.Exception == Vector.NoException && (s->EflagsRest & Eflags.TF) != 0
            && _memory.Peek(cs + s->Eip - 1) == 0xF4)
        {
            // POPF set TF: the trap comes behind the HLT.
            FinalEip = s->Eip - 1;
            Exception = Vector.NoException;
            Error = Vector.NoErrorCode;
        }
        else if (sequence && Exception == ExceptionVector.GeneralProtection && Error == 0 && v.Exception == Vector.NoException
            && _memory.Peek(cs + s->Eip) == 0xF4)
        {
            // CPL 3: the HLT at the end of a sequence faults.
            Exception = Vector.NoException;
            Error = Vector.NoErrorCode;
        }
    }

    /// <summary>Brings <see cref="Expected"/> to the vector's final state; memory that is not compared is taken over from RAM.</summary>
    /// <param name="v">The vector.</param>
    public void Expect(Vector v)
    {
        foreach (MemoryRun run in v.Final.Memory)
        {
            Copy(_file!.Data.AsSpan(run.Offset, run.Length), run.Address, _expected);
        }

        foreach (MemoryRun run in v.Ignored)
        {
            for (int i = 0; i < run.Length; i++)
            {
                uint at = run.Address + (uint)i;
                if (at < RamSize)
                {
                    _expected[at] = _memory.Ram[at];
                }
            }
        }
    }

    /// <summary>Whether the memory that the vector lists is as expected.</summary>
    /// <param name="v">The vector.</param>
    public bool ListedMemoryMatches(Vector v)
    {
        foreach (MemoryRun run in v.Final.Memory)
        {
            if (!Matches(run.Address, run.Length))
            {
                return false;
            }
        }

        foreach (MemoryRun run in v.Initial.Memory)
        {
            if (!Matches(run.Address, run.Length))
            {
                return false;
            }
        }

        return Matches(_codeAddress, v.BytesLength + 1);
    }

    /// <summary>Whether all of RAM is as expected.</summary>
    public bool AllMemoryMatches() => Ram.SequenceEqual(_expected);

    /// <summary>Restores what the vector lists.</summary>
    /// <param name="v">The vector.</param>
    /// <param name="mode">The mode it ran in.</param>
    public void Undo(Vector v, VectorModes mode)
    {
        foreach (MemoryRun run in v.Initial.Memory)
        {
            Restore(run.Address, run.Length);
        }

        foreach (MemoryRun run in v.Final.Memory)
        {
            Restore(run.Address, run.Length);
        }

        foreach (MemoryRun run in v.Ignored)
        {
            Restore(run.Address, run.Length);
        }

        Restore(_codeAddress, v.BytesLength + 1);
        if (mode is not (VectorModes.R16 or VectorModes.V86))
        {
            RestoreLdt();
        }
    }

    /// <summary>Restores all of RAM, after a vector that wrote where it should not.</summary>
    public void RestoreAll()
    {
        _memory.WriteBlock(0, _pattern);
        _pattern.CopyTo(_expected, 0);
    }

    private void Observe(InterruptSource source, byte vector)
    {
        CpuState* s = State;
        s->Pending |= PendingWork.Stop;
        if (Exception != Vector.NoException)
        {
            // A trap behind an instruction that has raised something: delivery, which did not happen, would have cleared TF.
            return;
        }

        if (source == InterruptSource.Software && vector is not (3 or 4) && !CpuMode.IsReal(s))
        {
            // INT n through a gate with DPL 0.
            Exception = ExceptionVector.GeneralProtection;
            Error = ((uint)vector * 8) + 2;
            s->Eip = s->BlockEip;
            return;
        }

        Exception = vector;
        Error = source == InterruptSource.Exception && s->FaultHasError != 0 && s->FaultVector == vector ? s->FaultError : Vector.NoErrorCode;
    }

    private void SetSystem(CpuState* s, Vector v, VectorModes mode)
    {
        s->Pending = 0;
        s->IsHalted = s->IsShutdown = s->NmiBlocked = s->NmiLatched = 0;
        s->DebugHits = 0;
        s->FaultHasError = 0;
        s->Cr2 = 0;
        s->Cr4 = Cr4.OSFXSR | Cr4.OSXMMEXCPT;
        s->Dr[6] = 0xFFFF0FF0;
        s->Dr[7] = 0x400;
        s->Cpl = mode is VectorModes.R16 or VectorModes.P32 ? (byte)0 : (byte)3;
        bool paging = v.Environment == VectorEnvironment.Paged32;
        s->Cr0 = mode == VectorModes.R16 ? ProtectedCr0 & ~Cr0.PE : paging ? ProtectedCr0 | Cr0.PG : ProtectedCr0;
        s->Cr3 = PageDirectory;
        if (paging != _paging)
        {
            _paging = paging;
            PageWalk.FlushAll(s);
        }

        s->GdtBase = Gdt;
        s->GdtLimit = 0x7F;
        s->IdtBase = Idt;
        s->IdtLimit = 0x7FF;
        SetSystemSegment(s, SegmentIndex.Tr, TssSelector, Tss, 0x67, 0x8B);
        SetSystemSegment(s, SegmentIndex.Ldtr, LdtSelector, LdtTable, 0xFFFF, 0x82);
    }

    private static void SetSystemSegment(CpuState* s, int index, ushort selector, uint address, uint limit, ushort attributes)
    {
        SegmentRegister* r = CpuState.Segment(s, index);
        (r->Selector, r->Base, r->Limit, r->Attributes) = (selector, address, limit, attributes);
        r->Update();
    }

    private void SetSegments(CpuState* s, VectorState initial, VectorModes mode)
    {
        for (int i = 0; i < 6; i++)
        {
            ushort selector = initial.Selectors[i];
            SegmentRegister* r = CpuState.Segment(s, i);
            if (mode is VectorModes.R16 or VectorModes.V86)
            {
                r->Selector = selector;
                r->Base = (uint)selector << 4;
                r->Limit = 0xFFFF;
                r->Attributes = mode == VectorModes.V86 ? (ushort)0xF3 : i == SegmentIndex.Cs ? (ushort)0x9B : (ushort)0x93;
                r->Update();
            }
            else if (mode == VectorModes.P32 && i == SegmentIndex.Cs)
            {
                *r = _flatCode;
            }
            else if (mode == VectorModes.P32 && i == SegmentIndex.Ss)
            {
                *r = _flatData;
            }
            else
            {
                *r = _ldtSegments[selector >> 3];
                r->Selector = selector;
                if (selector < 4)
                {
                    r->Attributes = 0;
                    r->Base = r->Limit = 0;
                    r->Update();
                }
            }
        }
    }

    private static SegmentRegister Segment(ulong descriptor, ushort selector)
    {
        uint low = (uint)descriptor;
        uint high = (uint)(descriptor >> 32);
        SegmentRegister r = default;
        r.Base = (low >> 16) | ((high & 0xFF) << 16) | (high & 0xFF000000);
        r.Limit = (low & 0xFFFF) | (high & 0xF0000);
        if ((high & 0x800000) != 0)
        {
            r.Limit = (r.Limit << 12) | 0xFFF;
        }

        r.Attributes = (ushort)((high >> 8) & 0xF0FF);
        r.Selector = selector;
        r.Update();
        return r;
    }

    private void WriteTable(uint address, ulong value) => _memory.Write(address, value);

    private void RestoreLdt()
    {
        byte* table = _memory.Ram + LdtTable;
        foreach ((ushort selector, ulong descriptor) in _file!.Ldt)
        {
            *(ulong*)(table + (selector & 0xFFF8)) = descriptor;
        }
    }

    private void Put(uint address, ReadOnlySpan<byte> bytes)
    {
        if (address < RamSize && bytes.Length <= RamSize - address)
        {
            _memory.WriteBlock(address, bytes);
            bytes.CopyTo(_expected.AsSpan((int)address));
            return;
        }

        for (int i = 0; i < bytes.Length; i++)
        {
            uint at = address + (uint)i;
            if (at < RamSize)
            {
                _memory.Write(at, bytes[i]);
                _expected[at] = bytes[i];
            }
        }
    }

    private static void Copy(ReadOnlySpan<byte> bytes, uint address, byte[] target)
    {
        for (int i = 0; i < bytes.Length; i++)
        {
            uint at = address + (uint)i;
            if (at < RamSize)
            {
                target[at] = bytes[i];
            }
        }
    }

    private bool Matches(uint address, int length)
    {
        if (address < RamSize && length <= RamSize - address)
        {
            return Ram.Slice((int)address, length).SequenceEqual(_expected.AsSpan((int)address, length));
        }

        for (int i = 0; i < length; i++)
        {
            uint at = address + (uint)i;
            if (at < RamSize && _memory.Ram[at] != _expected[at])
            {
                return false;
            }
        }

        return true;
    }

    private void Restore(uint address, int length)
    {
        for (int i = 0; i < length;)
        {
            uint at = address + (uint)i;
            if (at >= RamSize)
            {
                i++;
                continue;
            }

            int part = Math.Min(length - i, RamSize - (int)at);
            _memory.WriteBlock(at, _pattern.AsSpan((int)at, part));
            _pattern.AsSpan((int)at, part).CopyTo(_expected.AsSpan((int)at));
            i += part;
        }
    }
}
