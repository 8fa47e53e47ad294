using System.Globalization;
using System.Text;
using System.Text.Json;
using Emulator.Core.Cpu;
using Emulator.Core.Machine;
using Emulator.Core.Memory;
using Microsoft.Extensions.Logging.Abstractions;

namespace Emulator.Tests.Conformance;

/// <summary>
/// Runs <c>sys_kvm.jsonl.gz</c>: system instructions as the software emulator of Linux KVM executed them. They are hints: where the manual says
/// otherwise, the manual holds, and the case stands in the list of known failures.
/// </summary>
internal sealed unsafe class VectorKvmRunner
{
    private const uint RamSize = 0x200000;
    private const uint PatternEnd = 0x110000;
    private const uint LdtAddress = 0x130000;
    private const uint TssAddress = 0x124000;
    private const uint Halt = 0xF4;

    private static readonly string[] GprNames = ["eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"];
    private static readonly string[] SelectorNames = ["es", "cs", "ss", "ds", "fs", "gs"];

    private readonly PhysicalMemory _memory = new(RamSize, NullLogger.Instance);
    private readonly CpuCore _core;
    private readonly byte[] _base = new byte[RamSize];
    private readonly byte[] _expected = new byte[RamSize];
    private int _exception;
    private long _error;

    /// <summary>Creates the machine.</summary>
    /// <param name="header">First line of the file: the tables in memory.</param>
    public VectorKvmRunner(JsonElement header)
    {
        _memory.MapRam(0, 0, RamSize);
        for (uint i = 0; i < PatternEnd; i++)
        {
            _base[i] = (byte)((i * 2654435761u) >> 24);
        }

        Store(header.GetProperty("base"), _base);
        _memory.WriteBlock(0, _base);
        _core = new CpuCore(CpuModel.Max, _memory, new PortMap(NullLogger.Instance), ClockMode.InstructionCount, null, NullLogger.Instance);
    }

    /// <summary>Executes one case.</summary>
    /// <param name="test">One line of the file.</param>
    /// <param name="report">Receives the differences.</param>
    /// <returns>Whether everything is as recorded.</returns>
    public bool Run(JsonElement test, StringBuilder report)
    {
        string mode = test.GetProperty("m").GetString()!;
        bool real = mode == "r16";
        JsonElement initial = test.GetProperty("i");
        CpuState* s = _core.State;
        SetRegisters(s, initial, mode);
        JsonElement memory = test.GetProperty("mem");
        byte[] code = Convert.FromHexString(test.GetProperty("c").GetString()! + "F4");
        uint codeAddress = CpuState.Segment(s, SegmentIndex.Cs)->Base + s->Eip;
        _base.CopyTo(_expected, 0);
        Store(memory, _expected);
        Store(codeAddress, code, _expected);
        _memory.WriteBlock(0, _expected);
        Store(test.GetProperty("om"), _expected);

        _exception = -1;
        _error = -1;
        _core.DeliveryObserver = real ? null : Observe;
        CpuMode.Update(s);
        CpuCore.UpdatePending(s);
        _core.ExecuteRaw(10_000);
        uint eip = s->Eip;
        int expectedException = test.GetProperty("x").GetInt32();
        if (s->IsHalted != 0)
        {
            eip = CpuState.Segment(s, SegmentIndex.Cs)->IsBig ? eip - 1 : (eip - 1) & 0xFFFF;
        }
        else if (_exception == ExceptionVector.GeneralProtection && _error == 0 && expectedException == -1
            && _memory.Peek(CpuState.Segment(s, SegmentIndex.Cs)->Base + s->Eip) == Halt)
        {
            _exception = -1;
            _error = -1;
        }

        bool ok = Check("exception", _exception, expectedException, report);
        ok &= _exception != expectedException || Check("error", _error, test.GetProperty("e").GetInt64(), report);
        ok &= RegistersMatch(s, eip, test, report);
        ReadOnlySpan<byte> ram = new(_memory.Ram, (int)RamSize);
        if (!ram.SequenceEqual(_expected))
        {
            ok = false;
            int at = ram.CommonPrefixLength(_expected);
            int end = Math.Min(at + 16, (int)RamSize);
            report.Append(CultureInfo.InvariantCulture, $"  [{at:X6}] {Convert.ToHexString(ram[at..end])} expected {Convert.ToHexString(_expected[at..end])}\n");
        }

        return ok;
    }

    private static void Store(JsonElement runs, byte[] target)
    {
        foreach (JsonElement run in runs.EnumerateArray())
        {
            Store(run[0].GetUInt32(), Convert.FromHexString(run[1].GetString()!), target);
        }
    }

    private static void Store(uint address, byte[] bytes, byte[] target) => bytes.CopyTo(target, (int)address);

    private void Observe(InterruptSource source, byte vector)
    {
        CpuState* s = _core.State;
        s->Pending |= PendingWork.Stop;
        _exception = vector;
        _error = source == InterruptSource.Exception && s->FaultHasError != 0 && s->FaultVector == vector ? s->FaultError : -1;
    }

    private void SetRegisters(CpuState* s, JsonElement initial, string mode)
    {
        _core.Reset();
        s->Pending = 0;
        for (int i = 0; i < 8; i++)
        {
            s->Gpr[i] = Field(initial, GprNames[i]);
        }

        s->Eip = Field(initial, "eip");
        LazyFlags.Write(s, Field(initial, "efl"));
        s->Cr0 = Field(initial, "cr0");
        s->Cr2 = Field(initial, "cr2");
        s->Cr3 = Field(initial, "cr3");
        s->Cr4 = Field(initial, "cr4");
        s->GdtBase = Field(initial, "gdtb");
        s->GdtLimit = (ushort)Field(initial, "gdtl");
        s->IdtBase = Field(initial, "idtb");
        s->IdtLimit = (ushort)Field(initial, "idtl");
        SetSystemSegment(s, SegmentIndex.Ldtr, (ushort)Field(initial, "ldtr"), LdtAddress, 0xFFFF, 0x82);
        SetSystemSegment(s, SegmentIndex.Tr, (ushort)Field(initial, "tr"), TssAddress, 0x67, 0x8B);
        for (int i = 0; i < 6; i++)
        {
            ushort selector = (ushort)Field(initial, SelectorNames[i]);
            SegmentRegister* r = CpuState.Segment(s, i);
            if (mode == "p32")
            {
                LoadHidden(r, selector, s->GdtBase);
                continue;
            }

            r->Selector = selector;
            r->Base = (uint)selector << 4;
            r->Limit = 0xFFFF;
            r->Attributes = mode == "v86" ? (ushort)0xF3 : i == SegmentIndex.Cs ? (ushort)0x9B : (ushort)0x93;
            r->Update();
        }

        s->Cpl = mode == "v86" ? (byte)3 : mode == "p32" ? (byte)(CpuState.Segment(s, SegmentIndex.Cs)->Selector & 3) : (byte)0;
    }

    private void LoadHidden(SegmentRegister* r, ushort selector, uint gdt)
    {
        *r = default;
        r->Selector = selector;
        if (selector >= 4)
        {
            uint at = ((selector & 4) != 0 ? LdtAddress : gdt) + (selector & 0xFFF8u);
            uint low = BitConverter.ToUInt32(_base, (int)at);
            uint high = BitConverter.ToUInt32(_base, (int)at + 4);
            r->Base = (low >> 16) | ((high & 0xFF) << 16) | (high & 0xFF000000);
            r->Limit = (low & 0xFFFF) | (high & 0xF0000);
            r->Limit = (high & 0x800000) != 0 ? (r->Limit << 12) | 0xFFF : r->Limit;
            r->Attributes = (ushort)(((high >> 8) & 0xF0FF) | SegmentRegister.TypeAccessed);
        }

        r->Update();
    }

    private static void SetSystemSegment(CpuState* s, int index, ushort selector, uint address, uint limit, ushort attributes)
    {
        SegmentRegister* r = CpuState.Segment(s, index);
        *r = default;
        r->Selector = selector;
        if (selector != 0)
        {
            (r->Base, r->Limit, r->Attributes) = (address, limit, attributes);
        }

        r->Update();
    }

    private static bool RegistersMatch(CpuState* s, uint eip, JsonElement test, StringBuilder report)
    {
        bool ok = true;
        for (int i = 0; i < 8; i++)
        {
            ok &= Check(GprNames[i], CpuState.R32(s, i), Final(test, GprNames[i]), report);
        }

        for (int i = 0; i < 6; i++)
        {
            ok &= Check(SelectorNames[i], CpuState.Segment(s, i)->Selector, Final(test, SelectorNames[i]), report);
        }

        uint mask = ~(Eflags.RF | (test.TryGetProperty("u", out JsonElement undefined) ? undefined.GetUInt32() : 0));
        ok &= Check("efl", LazyFlags.Read(s) & mask, Final(test, "efl") & mask, report);
        ok &= Check("eip", eip, Final(test, "eip"), report);
        ok &= Check("cr0", s->Cr0, Final(test, "cr0"), report);
        ok &= Check("cr2", s->Cr2, Final(test, "cr2"), report);
        ok &= Check("cr3", s->Cr3, Final(test, "cr3"), report);
        ok &= Check("cr4", s->Cr4, Final(test, "cr4"), report);
        ok &= Check("gdtb", s->GdtBase, Final(test, "gdtb"), report);
        ok &= Check("gdtl", s->GdtLimit, Final(test, "gdtl"), report);
        ok &= Check("idtb", s->IdtBase, Final(test, "idtb"), report);
        ok &= Check("idtl", s->IdtLimit, Final(test, "idtl"), report);
        ok &= Check("ldtr", CpuState.Segment(s, SegmentIndex.Ldtr)->Selector, Final(test, "ldtr"), report);
        return ok & Check("tr", CpuState.Segment(s, SegmentIndex.Tr)->Selector, Final(test, "tr"), report);
    }

    private static uint Field(JsonElement element, string name) => element.GetProperty(name).GetUInt32();

    private static uint Final(JsonElement test, string name) =>
        test.GetProperty("o").TryGetProperty(name, out JsonElement value) ? value.GetUInt32() : Field(test.GetProperty("i"), name);

    private static bool Check(string name, long actual, long expected, StringBuilder report)
    {
        if (actual == expected)
        {
            return true;
        }

        report.Append(CultureInfo.InvariantCulture, $"  {name} {actual:X} expected {expected:X}\n");
        return false;
    }
}
